import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { SkynetError } from '../base/errors.ts'
import { shortPath } from '../base/paths.ts'
import { loadedService, loadService, moduleOf, resolveService } from '../modules/modules.ts'
import { modulesIn } from '../modules/places.ts'

const runsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript)
const definition = new URL('./define-service.js', import.meta.url).href
const SERVICE = `import { defineService } from ${JSON.stringify(definition)}
export default defineService(() => ({ x: () => 1 }))`

/** A folder of its own for each test: what was found is remembered. */
function setUp(t: { after(fn: () => void): void }, files: Readonly<Record<string, string>>) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-modules-')))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const base = pathToFileURL(join(folder, 'main.js')).href
  const urlOf = (name: string): string => pathToFileURL(join(folder, name)).href
  const find = (spec: string | URL, folders: readonly string[] = []): string =>
    resolveService(spec, base, folders)
  return { folder, urlOf, find }
}

test('resolveService finds a relative path beside the module that names it', (t) => {
  const { urlOf, find } = setUp(t, { 'agent.js': '', 'deep/room.mjs': '' })
  assert.equal(find('./agent.js'), urlOf('agent.js'))
  assert.equal(find('./agent'), urlOf('agent.js'))
  assert.equal(find('./deep/room'), urlOf('deep/room.mjs'))
  assert.equal(find('./deep/../agent.js'), urlOf('agent.js'))
})

test('resolveService finds what was compiled, and what is yet to be, by either name', (t) => {
  const { urlOf, find } = setUp(t, { 'compiled.js': '', 'source.ts': '' })
  assert.equal(find('./compiled.ts'), urlOf('compiled.js'))
  assert.equal(find('./source.js'), urlOf('source.ts'))
})

test('resolveService takes of a pair what this Node can run', (t) => {
  const { urlOf, find } = setUp(t, { 'both.js': '', 'both.ts': '' })
  assert.equal(find('./both.ts'), urlOf(runsTypeScript ? 'both.ts' : 'both.js'))
  assert.equal(find('./both.js'), urlOf('both.js'))
})

test('resolveService takes absolute paths and URLs as they are', (t) => {
  const { folder, urlOf, find } = setUp(t, { 'a b#c.js': '' })
  assert.equal(find(join(folder, 'a b#c.js')), urlOf('a b#c.js'))
  assert.equal(find(new URL(urlOf('a b#c.js'))), urlOf('a b#c.js'))
})

test('resolveService keeps a bare name within the folders', (t) => {
  const files = { 'x.js': '', 'in/y.js': '', 'in/sub/z.js': '', 'in/..x.js': '' }
  const { folder, urlOf, find } = setUp(t, files)
  const folders = [join(folder, 'in')]
  const refused = { code: 'ERR_SERVICE_LAUNCH', message: /leads out of no folder of services/ }
  for (const spec of ['sub/../../x', 'sub/../../in/y', '..', 'sub/../..', 'sub/./../../x.js']) {
    assert.throws(() => find(spec, folders), refused, spec)
    assert.throws(() => find(spec), refused, spec)
  }
  assert.throws(() => find('sub/%2e%2e/%2e%2e/x', folders), { code: 'ERR_SERVICE_LAUNCH' })
  assert.throws(() => find('%2e%2e/service/modules'), { code: 'ERR_SERVICE_LAUNCH' })
  assert.equal(find('sub/../y', folders), urlOf('in/y.js'))
  assert.equal(find('..x', folders), urlOf('in/..x.js'))
})

test('moduleOf() gives one URL for all links to a module, but for its query', (t) => {
  const { folder, urlOf } = setUp(t, { 'a b.js': '' })
  symlinkSync(join(folder, 'a b.js'), join(folder, 'link.mjs'))
  assert.equal(moduleOf(urlOf('link.mjs')), urlOf('a b.js'))
  assert.equal(moduleOf(urlOf('a b.js')), urlOf('a b.js'))
  assert.equal(moduleOf(`${urlOf('link.mjs')}?x=1`), `${urlOf('a b.js')}?x=1`)
  for (const none of [urlOf('none.js'), 'data:text/javascript,']) assert.equal(moduleOf(none), none)
})

test('resolveService looks for a bare name in the folders, in order, then among our own', (t) => {
  const { folder, urlOf, find } = setUp(t, { 'one/x.js': '', 'two/x.js': '', 'two/y.js': '' })
  const folders = [join(folder, 'one'), join(folder, 'two')]
  assert.equal(find('x', folders), urlOf('one/x.js'))
  assert.equal(find('y', folders), urlOf('two/y.js'))
  assert.match(find('logger', folders), /\/services\/logger\.[jt]s$/)
})

test('resolveService does not take a folder for a module', (t) => {
  const { urlOf, find } = setUp(t, { 'room/inner.js': '', 'room.js': '' })
  assert.equal(find('./room'), urlOf('room.js'))
})

/** The message up to the names that were tried; and these, in no order. */
function refusalOf(find: () => string): [told: string, tried: string[]] {
  const told = /^Cannot launch service (.*): tried (.*)$/
  try {
    find()
  } catch (error) {
    const { code, message } = error as SkynetError
    assert.equal(code, 'ERR_SERVICE_LAUNCH')
    const [, where = '', names = ''] = told.exec(message) ?? [message, message]
    return [where, names.split(', ').sort()]
  }
  throw new Error('it was found')
}

test('resolveService says where it has looked, and for what', (t) => {
  const { folder, find } = setUp(t, { 'agent.js': '' })
  const [one, two] = [join(folder, 'one'), join(folder, 'two')]
  const names = ['missing', 'missing.js', 'missing.mjs', 'missing.mts', 'missing.ts']
  const typed = names.slice(1)
  const cases: [string, string[], string, string[]][] = [
    ['./missing', [one], folder, names],
    ['./deep/missing.ts', [], `${folder}/deep`, typed],
    [`${folder}/missing.js`, [], folder, typed],
    [pathToFileURL(`${folder}/missing.js`).href, [], folder, typed],
  ]
  for (const [spec, folders, where, tried] of cases) {
    const told = [`${spec}: no such module in ${where}`, tried]
    assert.deepEqual(
      refusalOf(() => find(spec, folders)),
      told,
    )
  }
  const [told, tried] = refusalOf(() => find('missing', [one, two]))
  const ours = String.raw`\S+/services \(services that come along\)`
  assert.match(told, RegExp(`^missing: no such module in ${one}, nor in ${two}, nor in ${ours}$`))
  assert.deepEqual(tried, names)
  assert.throws(() => find('agent', [one]), { message: /; did you mean '\.\/agent'\?$/ })
})

test('resolveService says of a URL that is of no file which paths there are', (t) => {
  const { folder, find } = setUp(t, { 'node:own.js': '' })
  const paths =
    'a module is named by a file: URL, an absolute path, a path that begins with ./ or ../, ' +
    'or its name in a folder of services'
  for (const spec of ['node:fs', 'http://127.0.0.1/a.js', 'data:text/javascript,1', 'npm:x@1']) {
    const message = `Cannot launch service ${spec}: ${paths}`
    assert.throws(() => find(spec, [folder]), { code: 'ERR_SERVICE_LAUNCH', message })
    assert.throws(() => find(new URL(spec)), { code: 'ERR_SERVICE_LAUNCH', message })
  }
  assert.equal(find('node:own', [folder]), pathToFileURL(join(folder, 'node:own.js')).href)
})

test('resolveService says of a file: URL that is of no file what is wrong with it', (t) => {
  const { find } = setUp(t, {})
  for (const spec of ['file://host/a.js', 'file://[a', 'file:///a%2Fb/c.js', './a%2Fb/c.js']) {
    const message = /^Cannot launch service \S+: it is no path of a file: \S/
    assert.throws(() => find(spec), { code: 'ERR_SERVICE_LAUNCH', message })
  }
})

test('loadService loads a definition once, and knows it from then on', async (t) => {
  const { urlOf } = setUp(t, { 'ok.mjs': SERVICE })
  const url = urlOf('ok.mjs')
  assert.equal(loadedService(url), undefined)
  const loaded = await loadService(url)
  assert.equal(typeof loaded.setup, 'function')
  assert.equal(loadedService(url), loaded)
})

test('loadService refuses a module that defines no service', async (t) => {
  const { urlOf } = setUp(t, { 'plain.mjs': 'export default 1' })
  await assert.rejects(loadService(urlOf('plain.mjs')), {
    code: 'ERR_SERVICE_LAUNCH',
    message: /its default export is not made by defineService/,
  })
  assert.equal(loadedService(urlOf('plain.mjs')), undefined)
})

test('loadService takes CommonJS, also what a compiler made of a module', async (t) => {
  const required = `require(${JSON.stringify(fileURLToPath(definition))})`
  const made = `(0, ${required}.defineService)(() => ({}))`
  const compiled = `Object.defineProperty(exports, '__esModule', { value: true })\n`
  const { urlOf } = setUp(t, {
    'package.json': '{ "type": "commonjs" }',
    'plain.js': `module.exports = ${made}`,
    'compiled.js': `"use strict"\n${compiled}exports.default = ${made}`,
    'named.cjs': `${compiled}exports.other = ${made}`,
  })
  for (const name of ['plain.js', 'compiled.js']) {
    assert.equal(typeof (await loadService(urlOf(name))).setup, 'function', name)
  }
  await assert.rejects(loadService(urlOf('named.cjs')), { message: /default export is not made/ })
})

test('loadService of an ES module in a package of CommonJS says what to do', async (t) => {
  const { folder, urlOf } = setUp(t, { 'package.json': '{ "type": "commonjs" }', 'a.js': SERVICE })
  const what = `set "type": "module" in ${folder}/package.json, or name the file ${folder}/a.mjs`
  await assert.rejects(loadService(urlOf('a.js')), (error: Error) => {
    assert.ok(error.message.endsWith(`outside a module: ${what}`), error.message)
    return error instanceof SyntaxError
  })
})

test('loadService rejects with what the module throws', async (t) => {
  const { urlOf } = setUp(t, { 'bad.mjs': 'throw new RangeError("from the module")' })
  await assert.rejects(loadService(urlOf('bad.mjs')), RangeError)
})

/** Make a file, or another text of it. */
const write = (folder: string, name: string, text: string): void =>
  writeFileSync(join(folder, name), text)

// Proves: docs/semantics.md#load-again
test('loadService loads a module that failed anew when it was mended, once for all', async (t) => {
  const { folder, urlOf } = setUp(t, { 'bad.mjs': 'throw new RangeError("not yet")' })
  symlinkSync(join(folder, 'bad.mjs'), join(folder, 'link.mjs'))
  await assert.rejects(loadService(urlOf('link.mjs')), RangeError)
  write(folder, 'bad.mjs', `throw new TypeError("nor now")`)
  await assert.rejects(loadService(urlOf('bad.mjs')), TypeError)
  write(folder, 'bad.mjs', SERVICE)
  const names = ['bad.mjs', 'link.mjs', 'bad.mjs']
  const [one, ...others] = await Promise.all(names.map((name) => loadService(urlOf(name))))
  for (const other of others) assert.equal(other, one)
  assert.equal(await loadService(urlOf('link.mjs')), one)
  assert.equal(loadedService(urlOf('bad.mjs')), one)
})

// Proves: docs/semantics.md#load-again
test('loadService loads a module anew when an import that was missing is there', async (t) => {
  const text = `import './late.mjs'\n${SERVICE}`
  const { folder, urlOf } = setUp(t, { 'needy.mjs': text })
  const message = /late\.mjs' imported from \S+needy\.mjs$/
  await assert.rejects(loadService(urlOf('needy.mjs')), { code: 'ERR_MODULE_NOT_FOUND', message })
  write(folder, 'late.mjs', '')
  assert.equal(typeof (await loadService(urlOf('needy.mjs'))).setup, 'function')
})

// Proves: docs/semantics.md#load-again
test('loadService loads a module anew that had too few descriptors, unchanged', async (t) => {
  const first = `globalThis.loadsOfPoor = (globalThis.loadsOfPoor ?? 0) + 1
if (globalThis.loadsOfPoor < 3) throw new Error('EMFILE: too many open files')\n`
  const { urlOf } = setUp(t, { 'poor.mjs': `${first}${SERVICE}` })
  for (const _ of [1, 2]) await assert.rejects(loadService(urlOf('poor.mjs')), /EMFILE/)
  assert.equal(typeof (await loadService(urlOf('poor.mjs'))).setup, 'function')
})

// Proves: docs/semantics.md#load-again
test('loadService runs no module again that failed and is as it was', async (t) => {
  const text = 'globalThis.loadsOfSame = (globalThis.loadsOfSame ?? 0) + 1\nthrow new Error("no")'
  const { urlOf } = setUp(t, { 'same.mjs': text })
  const failed = await loadService(urlOf('same.mjs')).catch((error: unknown) => error)
  await assert.rejects(loadService(urlOf('same.mjs')), (error) => error === failed)
  assert.equal(Reflect.get(globalThis, 'loadsOfSame'), 1)
})

// Proves: docs/semantics.md#load-again
test('loadService says what to do where Node.js keeps the failure of an import', async (t) => {
  const importer = `import './part.mjs'\n${SERVICE}`
  const { folder, urlOf } = setUp(t, {
    'a.mjs': importer,
    'b.mjs': importer,
    'part.mjs': 'throw new RangeError("of the part")',
  })
  await assert.rejects(loadService(urlOf('a.mjs')), { message: 'of the part' })
  write(folder, 'part.mjs', '// mended')
  const message = /^of the part; what this module imports failed before, .*: start the node again$/
  for (const name of ['a.mjs', 'a.mjs', 'b.mjs']) {
    await assert.rejects(loadService(urlOf(name)), { name: 'RangeError', message }, name)
  }
  write(folder, 'a.mjs', SERVICE)
  assert.equal(typeof (await loadService(urlOf('a.mjs'))).setup, 'function')
})

// Proves: docs/semantics.md#load-again
test('loadService says what to do where a package is missing', async (t) => {
  const { urlOf } = setUp(t, { 'user.mjs': `import 'no-such-package'\n${SERVICE}` })
  const message =
    /no-such-package' imported from \S+user\.mjs; when it is installed, start the node again$/
  for (const _ of [1, 2]) await assert.rejects(loadService(urlOf('user.mjs')), { message })
})

test('modulesIn() finds a module that was loaded anew, also behind a link', async (t) => {
  const { folder, urlOf } = setUp(t, { 'fails.mjs': 'throw new Error("no")' })
  symlinkSync(join(folder, 'fails.mjs'), join(folder, 'to.mjs'))
  await assert.rejects(loadService(urlOf('to.mjs')))
  write(folder, 'fails.mjs', `globalThis.stackOfFails = new Error('here').stack\n${SERVICE}`)
  await loadService(urlOf('to.mjs'))
  const stack = String(Reflect.get(globalThis, 'stackOfFails'))
  const urls = [urlOf('to.mjs'), urlOf('fails.mjs')]
  assert.deepEqual([...modulesIn(stack, urls)], urls)
})

test('loadService of TypeScript runs it, or says what to do where Node cannot', async (t) => {
  const { urlOf } = setUp(t, { 'typed.mts': SERVICE.replace('1 }', '1 as number }') })
  const loading = loadService(urlOf('typed.mts'))
  if (runsTypeScript) assert.equal(typeof (await loading).setup, 'function')
  else {
    await assert.rejects(loading, {
      code: 'ERR_PLATFORM',
      message: /cannot load .*typed\.mts: use Node 22\.18 or newer, or install tsx/,
    })
  }
})

test('shortPath is relative below the current folder, and whole elsewhere', () => {
  assert.equal(shortPath(pathToFileURL(join(process.cwd(), 'a/b.js')).href), 'a/b.js')
  assert.equal(shortPath('/elsewhere/b.js'), '/elsewhere/b.js')
})

test('moduleOf asks the file system once for each URL, and again where there was no file', (t) => {
  const { folder, urlOf } = setUp(t, { 'whole.js': '' })
  const link = join(folder, 'once.js')
  assert.equal(moduleOf(urlOf('once.js')), urlOf('once.js'))
  symlinkSync(join(folder, 'whole.js'), link)
  assert.equal(moduleOf(urlOf('once.js')), urlOf('whole.js'))
  rmSync(link)
  assert.equal(moduleOf(urlOf('once.js')), urlOf('whole.js'))
})
