/** What holds in a simulated world: always, when all is well again, and when all have left. */
import assert from 'node:assert/strict'
import { CLIENT_OPTIONS } from './sim-client.ts'
import type { SessionWorld } from './world.ts'

/** What may be kept is all that is kept. */
export function checkKept(world: SessionWorld): void {
  const { answerBytesMax, pushBytesMax, pushesMax } = world.limits
  for (const session of world.gate.table.sessions()) {
    assert.ok(session.keptBytes <= answerBytesMax + pushBytesMax, `${session.keptBytes} bytes`)
    assert.ok(session.pushCount <= pushesMax, `${session.pushCount} pushes`)
  }
  for (const { core } of world.clients.values()) {
    assert.ok(core.callCount <= CLIENT_OPTIONS.callsMax, `${core.callCount} calls`)
  }
}

/** Clients that live are served, and have been told of all. */
export function checkSettled(world: SessionWorld): void {
  world.accounts.checkAllTold()
  for (const { core, name } of world.clients.values()) {
    assert.equal(core.state, 'open', `${name} is open`)
    assert.equal(core.callCount, 0, `${name} waits for nothing`)
    world.accounts.page(core.session).checkAllHeard()
  }
}

/** Nobody is there any more, and nothing is left of them. */
export function checkEmpty(world: SessionWorld): void {
  const { table } = world.gate
  assert.equal(table.size, 0, 'no session is left')
  assert.ok(table.isIdle, 'no visitor is left')
}
