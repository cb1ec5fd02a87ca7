/** The code in the docs: it compiles, and its tests pass. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** Inside the project, so that the package finds itself by its name. */
const APP = join(ROOT, 'dist', 'test', 'docs-app')

/** The blocks of a document that are whole files; those without a name get one. */
function filesOf(document: string): Map<string, string> {
  const text = readFileSync(join(ROOT, 'docs', document), 'utf8')
  const blocks = text.matchAll(/```ts\n(?:\/\/ (\S+\.ts)\n)?(import [\s\S]*?)```/g)
  return new Map([...blocks].map((block, i) => [block[1] ?? `${document}-${i}.ts`, block[2]!]))
}

function compile(files: ReadonlyMap<string, string>): void {
  rmSync(APP, { recursive: true, force: true })
  mkdirSync(APP, { recursive: true })
  for (const [name, text] of files) {
    mkdirSync(dirname(join(APP, name)), { recursive: true })
    writeFileSync(join(APP, name), text)
  }
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const flags = ['--strict', '--target', 'es2022', '--lib', 'es2023,esnext.disposable']
  const more = ['--module', 'nodenext', '--rewriteRelativeImportExtensions', '--types', 'node']
  const names = [...files.keys()].map((name) => join(APP, name))
  const words = [tsc, ...flags, ...more, '--skipLibCheck', '--ignoreConfig', ...names]
  execFileSync(process.execPath, words, { cwd: APP, stdio: 'inherit' })
}

test('the examples of docs/testing.md compile, and their tests pass', () => {
  const files = filesOf('testing.md')
  const main = "import { defineService } from 'skynet-ts'\nexport default defineService(() => {})\n"
  compile(new Map([...files, ['main.ts', main]]))
  const tests = [...files.keys()].filter((name) => name.endsWith('.test.ts'))
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  for (const name of tests) {
    const words = ['--test', join(APP, name.replace('.ts', '.js'))]
    execFileSync(process.execPath, words, { env, stdio: 'pipe' })
  }
})

test('the examples of docs/node.md compile', () => {
  const board = `import { defineService } from 'skynet-ts'
export default defineService(() => ({
  add: (name: string, by: number): string => name + by,
  clear: (): void => {},
  top: (count: number): number[] => [count],
}))
`
  compile(new Map([...filesOf('node.md'), ['board.ts', board]]))
})

test('the examples of docs/config.md compile', () => {
  compile(filesOf('config.md'))
})

test('the examples of docs/harbor.md compile', () => {
  compile(filesOf('harbor.md'))
})

test('the examples of docs/sproto.md compile', () => {
  compile(filesOf('sproto.md'))
})

test('the examples of docs/codec.md compile', () => {
  // The others take packages that are not ours: test/long/codec-packages.test.ts.
  const isOurs = (text: string): boolean => !/ from '(?!skynet-ts)/.test(text)
  compile(new Map([...filesOf('codec.md')].filter(([, text]) => isOurs(text))))
})

test('the examples of docs/load.md compile', () => {
  // Its protocol is that of the game of sessions.
  compile(new Map([...filesOf('session.md'), ...filesOf('load.md')]))
})

test('what docs/web.md shows of the example is there, in that order', () => {
  const text = readFileSync(join(ROOT, 'docs', 'web.md'), 'utf8')
  const blocks = [...text.matchAll(/```\w+\n\/\/ (examples\S+)\n([\s\S]*?)```/g)]
  assert.ok(blocks.length >= 4)
  for (const [, path = '', block = ''] of blocks) {
    const source = readFileSync(join(ROOT, path), 'utf8')
    let at = 0
    for (const line of block.split('\n').filter((each) => each.trim() !== '')) {
      const found = source.indexOf(`${line}\n`, at)
      assert.ok(found >= 0, `${path}: ${line}`)
      at = found + line.length
    }
  }
})

test('the examples of docs/gate.md compile', () => {
  compile(filesOf('gate.md'))
})

test('the examples of docs/session.md compile', () => {
  const files = filesOf('session.md')
  assert.deepEqual(
    [...files.keys()],
    [...['canvas.ts', 'gate.ts', 'room.ts', 'skynet.config.ts', 'client.ts', 'main.ts']],
  )
  compile(files)
})

test('the examples of docs/client.md compile', () => {
  const files = filesOf('client.md')
  assert.deepEqual([...files.keys()], ['page.ts', 'canvas.ts', 'game.ts', 'bot.ts'])
  compile(files)
})

test('the examples of docs/login.md compile', () => {
  const agent = `import { defineService } from 'skynet-ts'
export default defineService(() => ({ request: (body: Buffer): Buffer => body }))
`
  compile(new Map([...filesOf('login.md'), ['agent.ts', agent]]))
})

test('the examples of docs/cluster.md compile', () => {
  compile(filesOf('cluster.md'))
})

test('the examples of docs/channel.md compile', () => {
  const client = ['redis.ts', 'resp.ts', 'watch.ts'].map((name): [string, string] => [
    name,
    readFileSync(join(ROOT, 'examples', 'redis', name), 'utf8'),
  ])
  const files = filesOf('channel.md')
  assert.deepEqual([...files.keys()], ['ping.ts', 'data.ts', 'lines.ts', 'player.ts'])
  compile(new Map([...files, ...client]))
})

test('the examples of docs/commands.md compile', () => {
  compile(filesOf('commands.md'))
})

const WHOLE = ['http', 'websocket', 'tls', 'proxy', 'kcp']

test(`all TypeScript of the pages of ${WHOLE.join(', ')} is whole files, which compile`, () => {
  const all = new Map<string, string>()
  for (const page of WHOLE) {
    const files = filesOf(`${page}.md`)
    const blocks =
      readFileSync(join(ROOT, 'docs', `${page}.md`), 'utf8').split('```ts\n').length - 1
    assert.equal(files.size, blocks, `${page}.md has blocks that are no files`)
    for (const [name, text] of files) all.set(join(page, name), text)
  }
  compile(all)
})
