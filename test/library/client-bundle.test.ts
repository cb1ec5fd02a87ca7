/** The door to clients runs where there is no Node.js. What joins it, esbuild, comes with tsx. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { loadSproto, sproto } from '../../src/codec/sproto/sproto.ts'
import { bytesOf, VECTORS } from '../../src/codec/sproto/vectors.kit.ts'

/** What a page in use has to load, compressed as servers do. */
const GZIP_BYTES_MAX = 6 * 1024

/** What a page uses. */
const PAGE = `export { clientProtocol, connect, unchecked } from 'skynet-ts/client'`

/** As a page has it: joined for browsers, where a module of Node.js is an error. */
async function bundled(format: 'esm' | 'iife', conditions: string[] = []) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: PAGE, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    sourcemap: 'external',
    outdir: 'out',
    platform: 'browser',
    target: 'es2022',
    format,
    conditions,
    globalName: 'client',
    logLevel: 'silent',
  })
  const text = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))!.text
  return { code: text('.js'), sources: JSON.parse(text('.js.map')).sources as string[], metafile }
}

// Proves: docs/client.md#bundle
test('skynet-ts/client is joined for browsers, of nothing but its own room', async () => {
  const { code, sources, metafile } = await bundled('esm', ['development'])
  assert.deepEqual(
    Object.values(metafile.outputs).flatMap(({ imports }) => imports),
    [],
  )
  assert.ok(sources.length > 0)
  assert.deepEqual(
    sources.filter((path) => !/\/src\/client\//.test(path)),
    [],
  )
  assert.doesNotMatch(code, /\b(Buffer|process|require|__dirname)\b/)
})

// Proves: docs/client.md#bundle
test('skynet-ts/client loads where there are no globals of Node.js', async () => {
  const { code } = await bundled('iife')
  const page = createContext({ TextEncoder, TextDecoder })
  runInContext(`${code};var made = client.clientProtocol({ calls: { draw: {} } })`, page)
  assert.equal(runInContext(`Object.keys(made.calls)[0]`, page), 'draw')
})

// Proves: docs/client.md#bundle
test('skynet-ts/client is small', async () => {
  const { code } = await bundled('esm')
  const bytes = gzipSync(code, { level: 9 }).length
  assert.ok(bytes <= GZIP_BYTES_MAX, `${bytes} bytes`)
})

/** What a program ends with that is one file, in a folder that has nothing else. */
async function runBundled(contents: string, format: 'esm' | 'cjs', t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-bundle-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const outfile = join(folder, format === 'esm' ? 'bot.mjs' : 'bot.cjs')
  const resolveDir = fileURLToPath(new URL('.', import.meta.url))
  const stdin = { contents, resolveDir }
  const shared = { bundle: true, platform: 'node', logLevel: 'silent' } as const
  await build({ stdin, outfile, format, ...shared })
  return spawnSync(process.execPath, [outfile], { encoding: 'utf8' })
}

for (const format of ['esm', 'cjs'] as const) {
  // Proves: docs/client.md#bundle-node
  test(`a bot of Node.js runs as one file, ${format}`, async (t) => {
    const bot = `import { connect } from 'skynet-ts/client'
      import { framedTcp } from 'skynet-ts/client/node'
      const { open } = framedTcp({ port: 1, header: 'line' })
      console.log(typeof connect, typeof open)`
    const { stdout, stderr } = await runBundled(bot, format, t)
    assert.deepEqual([stdout, stderr], ['function function\n', ''])
  })

  // Proves: docs/client.md#bundle-node
  test(`a door that cannot be joined into another file says what to do, ${format}`, async (t) => {
    for (const door of ['skynet-ts', 'skynet-ts/node', 'skynet-ts/client/sproto']) {
      const { status, stderr } = await runBundled(`import '${door}'`, format, t)
      assert.equal(status, 1)
      const words = 'Error: Cannot load skynet-ts from within a bundle: leave it out of the bundle'
      assert.ok(stderr.includes(words), stderr)
    }
  })
}

/** Tests of the client that see no more than what its modules do. */
const TESTS = ['allowance', 'client-error', 'client-protocol', 'connect', 'core', 'wire']

// Proves: docs/client.md#builds
test('what pages in use load does what the full one does, but for checks and words', () => {
  const pathOf = (url: string): string => fileURLToPath(new URL(url, import.meta.url))
  const files = TESTS.map((name) => pathOf(`../../src/client/${name}.test.js`))
  const words = ['--import', new URL('../support/page-client.js', import.meta.url).href, '--test']
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { status, stdout } = spawnSync(process.execPath, [...words, ...files], {
    encoding: 'utf8',
    env,
  })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^\S+ skipped [1-9]/m, 'it was the full build')
})

// Proves: docs/client.md#builds
test('a page in use has codes without words, and arguments that nobody checks', async () => {
  const page: typeof import('skynet-ts/client') = await import(
    import.meta.resolve('skynet-ts/client.js')
  )
  const full: typeof page = await import('skynet-ts/client')
  const options = { calls: { draw: 1 } } as never
  assert.throws(() => full.clientProtocol(options), /'calls\.draw' must be a plain object/)
  assert.doesNotThrow(() => page.clientProtocol(options))
  const { code, message } = new page.ClientError('ERR_CLIENT_FULL', 'call draw')
  assert.deepEqual([code, message], ['ERR_CLIENT_FULL', 'Cannot call draw: ERR_CLIENT_FULL'])
})

for (const name of ['skynet-ts/client', 'skynet-ts/client/sproto']) {
  // Proves: docs/client.md#page, #sproto
  test(`${name}.js is one file, which needs no other`, async () => {
    const url: string = import.meta.resolve(`${name}.js`)
    const text = readFileSync(fileURLToPath(url), 'utf8')
    assert.doesNotMatch(text, /^\s*(import|export) [^;]*from |\bimport\(|\brequire\(|["']node:/m)
    const page = (await import(url)) as Record<string, unknown>
    const door = (await import(name)) as Record<string, unknown>
    assert.deepEqual(Object.keys(page).sort(), Object.keys(door).sort())
  })
}

/** The file for pages, in a place that has no `Buffer`. */
async function sprotoOfPages(): Promise<typeof import('skynet-ts/client/sproto')> {
  const url: string = import.meta.resolve('skynet-ts/client/sproto.js')
  const kept = Object.getOwnPropertyDescriptor(globalThis, 'Buffer')!
  Object.defineProperty(globalThis, 'Buffer', { value: undefined, configurable: true })
  try {
    return await import(`${url}?without-buffer`)
  } finally {
    Object.defineProperty(globalThis, 'Buffer', kept)
  }
}

/** Bytes of Node.js as those of pages. */
function paged(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value)
  if (Array.isArray(value)) return value.map(paged)
  if (value instanceof Map) return new Map([...value].map((pair) => pair.map(paged) as never))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, paged(each)]))
}

// Proves: docs/client.md#sproto
test('sproto without a Buffer reads and writes what it does with one', async () => {
  const page = await sprotoOfPages()
  let count = 0
  for (const { text, spb, cases } of VECTORS.schemas) {
    const [here, there] = [sproto(text).withBigInts(), page.sproto(text).withBigInts()]
    assert.equal(Buffer.from(there.bundle()).toString('hex'), spb)
    assert.deepEqual(page.loadSproto(there.bundle()).types, loadSproto(here.bundle()).types)
    for (const { type, hex, decodeHex } of cases) {
      const bytes = bytesOf(decodeHex ?? hex ?? '')
      const value = outcome(() => here.decode(type, bytes))
      assert.deepEqual(
        outcome(() => there.decode(type, new Uint8Array(bytes))),
        paged(value),
      )
      if (typeof value !== 'object') continue
      const written = there.encode(type, value as never)
      assert.equal(Object.getPrototypeOf(written), Uint8Array.prototype)
      assert.deepEqual(written, new Uint8Array(here.encode(type, value as never)))
      count++
    }
  }
  assert.ok(count > 100, `${count} messages`)
})

/** What it gives, or what is wrong, as text. */
function outcome(ask: () => unknown): unknown {
  try {
    return ask()
  } catch (error) {
    return String(error)
  }
}
