import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Repeats } from '../service/repeats.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { testNode } from '../testing/test-node.ts'
import { Skynet } from './skynet.ts'

test('say() logs the first at once, then once a second how many more there were', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const repeats = new Repeats(Skynet.serviceOf(node.skynet), (count) => `${count} more`, 'info')
  const lines = async (): Promise<string[]> => {
    await node.settled()
    return node.log.all.splice(0).map(({ text }) => text)
  }
  for (let n = 1; n <= 5; n++) repeats.say(`line ${n}`)
  assert.deepEqual(await lines(), ['line 1'])
  await clock.advance(999)
  assert.deepEqual(await lines(), [])
  await clock.advance(1)
  assert.deepEqual(await lines(), ['4 more'])
  repeats.say('line 6')
  await clock.advance(1000)
  assert.deepEqual(await lines(), ['line 6'])
})
