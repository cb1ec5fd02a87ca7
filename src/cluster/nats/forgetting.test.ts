import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NATS_DELETED_KEPT_MS, NATS_DELETED_MAX } from '../../base/limits.ts'
import { Forgetting } from './forgetting.ts'

class Host {
  time = 0
  looks: { at: number; act: () => void }[] = []
  readonly forgotten: string[] = []
  fails = false
  now = (): number => this.time
  after = (ms: number, act: () => void): (() => void) => {
    const look = { at: this.time + ms, act }
    this.looks.push(look)
    return () => {
      this.looks = this.looks.filter((each) => each !== look)
    }
  }
  forget = async (key: string, revision: number): Promise<void> => {
    this.forgotten.push(`${key} ${revision}`)
    if (this.fails) throw new Error('no answer')
  }
  async until(time: number): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = this.looks.sort((a, b) => a.at - b.at).find(({ at }) => at <= time)
      if (next === undefined) break
      this.looks.splice(this.looks.indexOf(next), 1)
      this.time = next.at
      next.act()
    }
    this.time = time
  }
}

test('deleted keys are forgotten in their time, each once, whatever the server says', async () => {
  const host = new Host()
  const forgetting = new Forgetting(host)
  forgetting.add('a', 1)
  await host.until(10)
  forgetting.add('b', 2)
  host.fails = true
  await host.until(NATS_DELETED_KEPT_MS - 1)
  assert.deepEqual(host.forgotten, [])
  await host.until(NATS_DELETED_KEPT_MS)
  assert.deepEqual(host.forgotten, ['a 1'])
  await host.until(NATS_DELETED_KEPT_MS + 10)
  assert.deepEqual(host.forgotten, ['a 1', 'b 2'])
  forgetting.add('c', 3)
  forgetting.close()
  forgetting.add('d', 4)
  await host.until(10 * NATS_DELETED_KEPT_MS)
  assert.equal(host.forgotten.length, 2)
})

test('more than so many are left to others', async () => {
  const host = new Host()
  const forgetting = new Forgetting(host)
  for (let i = 0; i < NATS_DELETED_MAX + 5; i++) forgetting.add(`${i}`, i)
  await host.until(NATS_DELETED_KEPT_MS)
  assert.equal(host.forgotten.length, NATS_DELETED_MAX)
})
