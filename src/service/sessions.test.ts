import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Sessions } from './sessions.ts'

interface Item {
  session: number
  readonly name: string
}
const item = (name = ''): Item => ({ session: 0, name })

test('sessions count up from 1, and each finds its item once', () => {
  const sessions = new Sessions<Item>()
  const items = Array.from({ length: 1000 }, (_, i) => item(`${i}`))
  for (const [i, each] of items.entries()) assert.equal(sessions.add(each), i + 1)
  assert.equal(sessions.size, 1000)
  for (const each of items) assert.equal(sessions.take(each.session), each)
  for (const each of items) assert.equal(sessions.take(each.session), undefined)
  assert.equal(sessions.size, 0)
})

test('a session whose slot still waits is passed over', () => {
  const sessions = new Sessions<Item>()
  const old = item()
  sessions.add(old)
  const seen = new Set<number>()
  for (let i = 0; i < 10_000; i++) {
    const session = sessions.add(item())
    assert.ok(!seen.has(session))
    seen.add(session)
    sessions.take(session)
  }
  assert.equal(sessions.take(1), old)
})

test('sessions never held answer nothing: 0, negative, far away, of before a burst', () => {
  const sessions = new Sessions<Item>()
  for (let i = 0; i < 5000; i++) sessions.add(item())
  assert.equal(sessions.takeAll().length, 5000)
  const one = item()
  sessions.add(one)
  for (const none of [0, -1, 1, 5000, 5001 + 2 ** 32, 2 ** 53]) {
    assert.equal(sessions.take(none), undefined, String(none))
  }
  assert.equal(sessions.take(one.session), one)
})

test('against a Map: any order of adding and taking', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2000), { maxLength: 400 }), (steps) => {
      const sessions = new Sessions<Item>()
      const model = new Map<number, Item>()
      for (const step of steps) {
        if (step % 3 !== 0) {
          const each = item()
          const session = sessions.add(each)
          assert.ok(!model.has(session))
          model.set(session, each)
        } else {
          const keys = [...model.keys()]
          const session = keys.length === 0 ? step : keys[step % keys.length]!
          assert.equal(sessions.take(session), model.get(session))
          model.delete(session)
        }
        assert.equal(sessions.size, model.size)
      }
      assert.deepEqual(new Set(sessions.items()), new Set(model.values()))
      assert.deepEqual(new Set(sessions.takeAll()), new Set(model.values()))
    }),
  )
})
