/**
 * Nobody hangs: at each step of a call its callee, its caller, or whom the callee waits for is
 * killed, or goes with its worker. Whoever is left gets an answer or an error with a code.
 */
import assert from 'node:assert/strict'
import type { Skynet } from 'skynet-ts'
import { type Body, SharedNode, serviceTest } from '../support/run.ts'
import { endOf, ROLES, type Role, Scene, type Victim, WAYS, type Way } from '../support/scene.ts'
import { until } from '../support/until.ts'

const node = new SharedNode({ thread: 4 })
const check = (title: string, body: Body): void => serviceTest(import.meta.url, title, body, node)

/** Begin a call at one step, resolve when it is there: to the call that waits for it. */
type Step = (
  scene: Scene,
) => Promise<{ readonly call: Promise<unknown>; readonly isPassedOn?: boolean }>

const isUnderWay = (who: Victim): Promise<unknown> =>
  until('the call is under way', async () => (await who.call.open()) > 0)

const STEPS: Readonly<Record<string, Step>> = {
  'that waits for room': async (scene) => {
    await scene.hold('callee')
    const call = scene.caller.call.fillAndCall(scene.holder('callee'), scene.callee.handle)
    await isUnderWay(scene.caller)
    return { call }
  },
  'in the mailbox': async (scene) => {
    await scene.hold('callee')
    const call = scene.caller.call.call(scene.callee.handle, 'echo', 'queued')
    await isUnderWay(scene.caller)
    return { call }
  },
  'that runs': async (scene) => {
    const file = scene.fileOf('callee')
    const call = scene.caller.call.call(scene.callee.handle, 'holdUntil', file)
    await scene.isHeld(file)
    return { call }
  },
  'that waits for a third': async (scene) => {
    const { caller, callee, third } = scene
    const call = caller.call.call(callee.handle, 'call', third.handle, 'never')
    await isUnderWay(callee)
    return { call }
  },
  'that was passed on': async (scene) => {
    const { caller, callee, third } = scene
    const call = caller.call.call(callee.handle, 'passOn', third.handle, 'never')
    await isUnderWay(caller)
    await until('it is there', async () => (await third.call.requests()) > 1)
    return { call, isPassedOn: true }
  },
}

const answering =
  (method: string, ...given: unknown[]): Step =>
  async (scene) => {
    const { caller, callee } = scene
    const args = given.length > 0 ? given : [scene.holder('caller')]
    // Sent before its worker is held, handled after.
    const file = scene.fileOf('callee')
    callee.send.holdUntil(file)
    await scene.isHeld(file)
    const call = caller.call.call(callee.handle, method, ...args)
    await isUnderWay(caller)
    await scene.hold('caller')
    scene.letGo('callee')
    await callee.call.echo('it has answered')
    return { call }
  }
const ANSWERS: Readonly<Record<string, Step>> = {
  'whose answer is on its way': answering('echo', 'answer'),
  'whose large answer is on its way': answering('big', 1_000_000),
  'whose answer waits for room': answering('fillAndAnswer'),
}

async function endsAt(skynet: Skynet, begin: Step, role: Role, way: Way): Promise<void> {
  const scene = await Scene.set(skynet)
  const { call, isPassedOn } = await begin(scene)
  const end = endOf(call)
  scene.end(role, way)
  scene.letGo(...ROLES)
  // Then it is the third's to answer, and its caller waits for that one alone.
  if (isPassedOn === true && role === 'callee') scene.end('third', 'is killed')
  const how = String(await end)
  assert.ok(!how.startsWith('ERR_') || how === 'ERR_CALL_DEAD', `${role} ${way}: ${how}`)
  await scene.goesOn(role)
}

for (const [step, begin] of Object.entries({ ...STEPS, ...ANSWERS })) {
  // Proves: docs/semantics.md#death-steps
  check(`a call ${step} ends, whoever of it is killed or goes with its worker`, async (skynet) => {
    const isWithThird = /third|passed/.test(step)
    for (const role of ROLES) {
      if (role === 'third' && !isWithThird) continue
      for (const way of WAYS) await endsAt(skynet, begin, role, way)
    }
  })
}
