/** Launches in a `testNode`: what counts as work that is left, and where paths begin. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { defineService } from 'skynet-ts'
import { FakeClock, testNode } from 'skynet-ts/testing'

/** Inside of the project, so that services there find the package, and tsx. */
function projectFolder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(import.meta.dirname, 'scratch-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const NAMED = `import { defineService } from 'skynet-ts'
export default defineService((skynet, name: string): void => skynet.register(name))
`
const SLOW_MODULE = `import { setTimeout } from 'node:timers/promises'
await setTimeout(20)
${NAMED.replace(': string): void', ')')}`

test('settled() waits for a module that loads: TypeScript, for the first time', async (t) => {
  const folder = projectFolder(t, { 'named.ts': NAMED })
  await using node = await testNode()
  const { skynet } = node
  skynet.fork(() => skynet.newService(join(folder, 'named.ts'), { args: ['.typed'] }))
  await node.settled()
  assert.ok(skynet.localName('.typed'))
})

test('settled() waits for a launch whose setup waits for Node.js', async () => {
  await using node = await testNode()
  const { skynet } = node
  const late = defineService(async (skynet) => {
    await delay(20)
    skynet.register('.late')
  })
  skynet.fork(() => node.launch(late))
  await node.settled()
  assert.ok(skynet.localName('.late'))
})

test('settled() does not wait for a launch that waits for a message or a timer', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { skynet } = node
  const waits = {
    sleep: defineService(async (skynet) => void (await skynet.sleep(1000))),
    timeout: defineService((skynet) => new Promise<void>((done) => skynet.timeout(1000, done))),
    call: defineService(async (skynet) => void (await skynet.call('.silent', 'ask'))),
    token: defineService((skynet) => skynet.wait('token')),
  }
  const silent = defineService((skynet) => {
    skynet.register('.silent')
    return { ask: () => new Promise<void>((done) => skynet.timeout(1000, done)) }
  })
  await node.launch(silent)
  const done: string[] = []
  for (const [how, definition] of Object.entries(waits)) {
    skynet.fork(async () => {
      await node.launch(definition)
      done.push(how)
    })
  }
  await node.settled({ timeoutMs: 0 })
  assert.deepEqual(done, [])
  await clock.advance(1000)
  assert.deepEqual(done.sort(), ['call', 'sleep', 'timeout'])
})

test('settled() gives up on a launch that goes nowhere, and names it', async () => {
  await using node = await testNode()
  const { skynet } = node
  const stuck = defineService(() => new Promise<void>(() => {}))
  skynet.fork(() => node.launch(stuck))
  const text = /^Cannot settle within 5 ms: the setup of \S+ :0{7}\w is not done$/
  await assert.rejects(node.settled({ timeoutMs: 5 }), { message: text })
})

test('advance() of a FakeClock waits for a module that a timer has launched', async (t) => {
  const folder = projectFolder(t, { 'slow.mjs': SLOW_MODULE })
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { skynet } = node
  skynet.timeout(10, () => skynet.newService(join(folder, 'slow.mjs'), { args: ['.slow'] }))
  let seen: number | undefined
  skynet.timeout(20, () => {
    seen = skynet.localName('.slow')
  })
  await clock.advance(20)
  assert.ok(seen, 'it was there before the next timer')
})
