/** Children of a supervisor on other nodes, under schedules by chance; then broken variants. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Broken, SupervisedWorld } from './supervised-world.kit.ts'

const SCHEDULES = 100

async function faultOf(seed: number, broken?: Broken): Promise<string | undefined> {
  try {
    await new SupervisedWorld(seed, broken).run()
    return undefined
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error
    return `seed ${seed}: ${error.message}`
  }
}

// Proves: docs/cluster.md#supervise-one
test('of a child on other nodes never two act, and in the end one does', async () => {
  const first = Number(process.env.SKYNET_SEED ?? 1)
  const count = process.env.SKYNET_SEED === undefined ? SCHEDULES : 1
  for (let seed = first; seed < first + count; seed++) {
    assert.equal(await faultOf(seed), undefined)
  }
})

for (const broken of ['end', 'hold', 'overtaken'] as const) {
  test(`the schedules notice a variant without ${broken}`, async () => {
    for (let seed = 1; seed <= SCHEDULES; seed++) {
      if (/two act/.test((await faultOf(seed, broken)) ?? '')) return
    }
    assert.fail('none has noticed')
  })
}
