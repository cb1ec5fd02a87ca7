/** Launches in a `testNode`: what counts as work that is left, and where paths begin. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { defineService, type ServiceDefinition } from 'skynet-ts'
import { FakeClock, testNode } from 'skynet-ts/testing'
import { projectFolder } from '../support/project-folder.ts'

const NAMED = `import { defineService } from 'skynet-ts'
export default defineService((skynet, name: string): void => skynet.register(name))
`
const SLOW_MODULE = `import { setTimeout } from 'node:timers/promises'
await setTimeout(20)
${NAMED.replace(': string): void', ')')}`

// Proves: docs/testing.md#settled
test('settled() waits for a module that loads: TypeScript, for the first time', async (t) => {
  const folder = projectFolder(t, { 'named.ts': NAMED })
  await using node = await testNode()
  const { skynet } = node
  skynet.fork(() => skynet.newService(join(folder, 'named.ts'), { args: ['.typed'] }))
  await node.settled()
  assert.ok(skynet.localName('.typed'))
})

const IMPORTER = `import { defineService } from 'skynet-ts'
export default defineService((skynet) => {
  skynet.fork(() => skynet.newService(() => import('./slow.ts'), { args: ['.imported'] }))
})
`

// Proves: docs/testing.md#settled
// Proves: docs/semantics.md#launch-import
test('settled() waits for a module that is imported for a launch, in TypeScript', async (t) => {
  const folder = projectFolder(t, { 'app/importer.ts': IMPORTER, 'app/slow.ts': SLOW_MODULE })
  await using node = await testNode()
  const { skynet } = node
  await skynet.newService(join(folder, 'app/importer.ts'))
  await node.settled()
  assert.ok(skynet.localName('.imported'))
})

// Proves: docs/testing.md#settled
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

// Proves: docs/testing.md#settled
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

// Proves: docs/testing.md#settled
test('settled() gives up on a launch that goes nowhere, and names it', async () => {
  await using node = await testNode()
  const { skynet } = node
  const stuck = defineService(() => new Promise<void>(() => {}))
  skynet.fork(() => node.launch(stuck))
  const text = /^Cannot settle within 5 ms: the setup of \S+ :0{7}\w is not done$/
  await assert.rejects(node.settled({ timeoutMs: 5 }), {
    code: 'ERR_TEST_TIMEOUT',
    message: text,
  })
})

// Proves: docs/testing.md#settled
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

/** A service that launches what is beside it, as its module says it in a node. */
const LAUNCHER = `import { defineService } from 'skynet-ts'
export default defineService((skynet) => ({
  find: async (path) => (await skynet.newService(path, { args: [] })).call.where(),
}))
`
const BATTLE = `import { defineService } from 'skynet-ts'
export default defineService(() => ({ where: () => import.meta.url }))
`

type Launcher = ServiceDefinition<[], { find(path: string): Promise<string> }>

async function launcherOf(file: string): Promise<Launcher> {
  return (await import(pathToFileURL(file).href)).default
}

// Proves: docs/testing.md#test-paths
test('launch() lets a service of another folder launch what is beside its file', async (t) => {
  const files = { 'app/launcher.mjs': LAUNCHER, 'app/battle.mjs': BATTLE, 'battle.mjs': BATTLE }
  const folder = projectFolder(t, files)
  const launcher = await launcherOf(join(folder, 'app/launcher.mjs'))
  const beside = pathToFileURL(join(folder, 'app/battle.mjs')).href
  for (const base of [undefined, pathToFileURL(join(folder, 'x.test.ts')).href, folder]) {
    await using node = await testNode(base === undefined ? {} : { base })
    const finder = await node.launch(launcher)
    assert.equal(await finder.call.find('./battle.mjs'), beside, `with base ${base}`)
    assert.equal(await finder.call.find('./battle.js'), beside, 'as it is named before a build')
  }
})

// Proves: docs/testing.md#test-paths
test('launch() of TypeScript, as tsx loads it, knows the folder of its file', async (t) => {
  const files = { 'app/launcher.ts': LAUNCHER.replace('(path)', '(path: string)') }
  const folder = projectFolder(t, { ...files, 'app/battle.ts': BATTLE })
  const program = `import { testNode } from 'skynet-ts/testing'
    import launcher from ${JSON.stringify(join(folder, 'app/launcher.ts'))}
    const node = await testNode()
    const finder = await node.launch(launcher)
    console.log(await finder.call.find('./battle.ts'))
    await node.stop()`
  writeFileSync(join(folder, 'main.mjs'), program)
  for (const flags of [[], ['--enable-source-maps']]) {
    const words = ['--import', 'tsx', ...flags, join(folder, 'main.mjs')]
    const out = execFileSync(process.execPath, words, { encoding: 'utf8' })
    assert.match(out, /app\/battle\.ts\n$/)
  }
})

// Proves: docs/testing.md#test-paths
test('launch() of a service out of a bundle finds what it launches beside base', async (t) => {
  const folder = projectFolder(t, { 'out/bundle.mjs': LAUNCHER, 'app/battle.mjs': BATTLE })
  const launcher = await launcherOf(join(folder, 'out/bundle.mjs'))
  const app = join(folder, 'app')
  for (const base of [app, pathToFileURL(`${app}/x.test.ts`).href, `${app}/x.test.ts`]) {
    await using node = await testNode({ base })
    const finder = await node.launch(launcher)
    assert.match(await finder.call.find('./battle.mjs'), /app\/battle\.mjs$/)
  }
})

// Proves: docs/testing.md#test-paths
test('a launch in a testNode that finds nothing names the folder, and base', async (t) => {
  const folder = projectFolder(t, { 'app/launcher.mjs': LAUNCHER, 'base/x': '' })
  const launcher = await launcherOf(join(folder, 'app/launcher.mjs'))
  const short = relative(process.cwd(), folder)
  {
    await using node = await testNode({ base: join(folder, 'base') })
    const finder = await node.launch(launcher)
    const looked = `${short}/app (where the service is defined), nor in ${short}/base ('base')`
    const error = await finder.call.find('./none.mjs').catch((error) => error)
    assert.equal(error.code, 'ERR_SERVICE_LAUNCH')
    const [told, tried] = error.message.split(': tried ')
    assert.equal(told, `Cannot launch service ./none.mjs: no such module in ${looked}`)
    assert.deepEqual(tried.split(', ').sort(), ['none.js', 'none.mjs', 'none.mts', 'none.ts'])
  }
  await using node = await testNode()
  const finder = await node.launch(launcher)
  const here = new RegExp(`, nor in ${process.cwd()} \\(the current folder, as there is no 'base'`)
  await assert.rejects(finder.call.find('./none.mjs'), { message: here })
  await assert.rejects(testNode({ base: './app' }), { message: /must be a file: URL or an abs/ })
})

test('a service in TypeScript of a package of CommonJS runs, or says what to do', async (t) => {
  const folder = projectFolder(t, {
    'package.json': '{ "type": "commonjs" }',
    'main.ts': `import { defineService } from 'skynet-ts'
import { greeting } from './lib'
export default defineService(() => ({ greet: (name: string) => greeting + name }))
`,
    'lib.ts': `export const greeting: string = 'hello '`,
  })
  const modules = join(import.meta.dirname, '../../../node_modules')
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(modules, '..'), join(folder, 'node_modules/skynet-ts'))
  symlinkSync(join(modules, 'tsx'), join(folder, 'node_modules/tsx'))
  await using node = await testNode()
  const launching = node.skynet.newService(join(folder, 'main.ts'))
  if (process.features.typescript) {
    await assert.rejects(launching, { message: /: set "type": "module" in .*package\.json, or/ })
  } else assert.equal(await node.skynet.call((await launching).handle, 'greet', 'x'), 'hello x')
})

test('a launch that fails by a syntax error tells its place, also in an import', async (t) => {
  const folder = projectFolder(t, {
    'own.mjs': `${SLOW_MODULE}\nconst x = = 1`,
    'outer.mjs': `import './fine.mjs'\nimport './deep/inner.mjs'\n${SLOW_MODULE}`,
    'fine.mjs': 'export const y = 1',
    'deep/inner.mjs': 'const a = 1\n\nconst b = = 2\n',
    'parse.mjs': `JSON.parse('{ x')\n${SLOW_MODULE}`,
  })
  await using node = await testNode()
  const line = SLOW_MODULE.split('\n').length + 1
  const places = { own: `own.mjs:${line}`, outer: 'deep/inner.mjs:3', parse: 'parse.mjs:1:6' }
  for (const [name, place] of Object.entries(places)) {
    const error = await node.skynet.newService(join(folder, `${name}.mjs`)).catch((error) => error)
    assert.match(error.message, /: SyntaxError: .* \(\S*scratch-/)
    assert.ok(error.message.endsWith(`/${place})`), error.message)
  }
})
