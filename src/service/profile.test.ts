import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Profile } from './profile.ts'

function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a task within another is counted once, and what throws is counted too', () => {
  const profile = new Profile()
  const begin = performance.now()
  const task = (): never => {
    spin(2)
    profile.measure(() => spin(2))
    spin(2)
    throw new Error('over')
  }
  assert.throws(() => profile.measure(task), { message: 'over' })
  const elapsed = performance.now() - begin
  assert.ok(profile.ms >= 6 && profile.ms <= elapsed, `${profile.ms} of ${elapsed}`)
  assert.equal(profile.current, 0)
})
