/** The scenarios of test/soak/hostile.soak.ts, each for a moment and with few clients. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { attack } from '../soak/support/attack.ts'
import { Rig } from '../soak/support/rig.ts'
import { SCENARIOS } from '../soak/support/scenarios.ts'

const PLAN = { seconds: 0.2, scale: 0.05 }

suite('hostile peers', () => {
  let rig: Rig
  before(async () => {
    rig = await Rig.start()
  })
  after(() => rig[Symbol.asyncDispose]())

  for (const scenario of SCENARIOS) {
    test(`${scenario.name}: others are answered, and nothing is left`, async (t) => {
      const { lines, faults } = await attack(rig, scenario, PLAN)
      for (const line of lines) t.diagnostic(line)
      assert.deepEqual(faults, [])
    })
  }
})
