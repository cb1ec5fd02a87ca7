import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DOORS } from './doors.ts'

type WithoutComments = (code: string, texts: readonly (readonly [number, number])[]) => string
type FromScripts = (code: string, file: string, isScript: (name: string) => boolean) => string
/** Plain JavaScript, which the build runs: the compiler leaves it where it is. */
const tool = new URL('../../tools/bundle.mjs', import.meta.url).href
const { withoutComments, fromScripts } = (await import(tool)) as {
  withoutComments: WithoutComments
  fromScripts: FromScripts
}
const LIB = new URL('../lib/', import.meta.url)
/** The same modules, one by one. */
const MODULES = new URL('../src/', import.meta.url)
/** The last line of an import of ours. What `import()` loads comes later. */
const IMPORTED = /^(?:import|export|\}) (?:.* ?from )?'(\.{1,2}\/.+)'/gm

const ENTRIES = {
  worker: ['threads/worker.js', 'index.js', 'services/logger.js', 'services/bootstrap.js'],
  socket: ['threads/socket.js'],
  // Its config imports what all services do.
  main: ['node.js', 'index.js'],
  // A worker that has the service of the cluster as well.
  cluster: ['services/cluster.js', 'cluster.js'],
} as const

/**
 * What a thread has no use for: files of `src` from whose names it must load nothing. A new room,
 * or a part that few nodes use, is a row.
 */
const NOT_LOADED: Readonly<Record<string, readonly (keyof typeof ENTRIES)[]>> = {
  'codec/': ['worker', 'socket', 'main'],
  'client/': ['worker', 'socket', 'main'],
  'testing/': ['worker', 'socket', 'main'],
  'gate/': ['worker', 'socket', 'main'],
  'harbor/': ['worker', 'socket', 'main'],
  'http/': ['worker', 'socket', 'main'],
  'channel/': ['worker', 'socket', 'main'],
  'transport/': ['worker', 'socket', 'main', 'cluster'],
  'cluster/': ['worker', 'socket', 'main'],
  'cluster/nats/': ['cluster'],
  'skynet-cluster/': ['worker', 'socket', 'main'],
  'session/': ['worker', 'socket', 'main'],
  'cli/commands.ts': ['worker', 'socket', 'main'],
  'cli/daemon.ts': ['worker', 'socket', 'main'],
  'threads/standalone.ts': ['worker', 'socket', 'main'],
  'net/library/standalone.ts': ['worker', 'socket', 'main'],
  'net/library/own-loop.ts': ['worker', 'socket', 'main'],
  'threads/main/': ['worker', 'socket'],
  'net/server/server.ts': ['worker', 'main'],
  'net/server/tcp.ts': ['worker', 'main'],
  'net/server/udp.ts': ['worker', 'main'],
  'net/server/write-queue.ts': ['worker', 'main'],
  'threads/socket.ts': ['worker', 'main'],
  'threads/worker.ts': ['socket', 'main'],
  'threads/assemble.ts': ['socket', 'main'],
  'skynet/skynet.ts': ['socket', 'main'],
  'service/service.ts': ['socket', 'main'],
  'sockets/connection.ts': ['socket', 'main'],
  'frames/': ['socket'],
  'services/': ['socket', 'main'],
  'debug/stats.ts': ['socket', 'main'],
  'kernel/scheduler.ts': ['socket', 'main'],
  'wire/pack.ts': ['socket'],
  'wire/unpack.ts': ['socket'],
  'cli/': ['socket'],
  'service/': ['socket'],
  'kernel/names.ts': ['socket'],
  'kernel/snapshots.ts': ['socket'],
  'threads/main/node-memory.ts': ['worker', 'socket'],
}

/** The files of `src` that come with modules of dist/lib, and with all that they import. */
function loadedBy(entries: readonly string[]): string[] {
  const urls = new Set(entries.map((entry) => new URL(entry, LIB).href))
  const sources = new Set<string>()
  for (const url of urls) {
    const text = readFileSync(fileURLToPath(url), 'utf8')
    const found = (pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, it]) => it!)
    const paths = [
      ...found(/^(?:import|export) .*?'(\.{1,2}\/.+?)'/gm),
      ...found(/^const .* = require\('(\.\/.+)'\)/gm),
    ]
    for (const path of paths) urls.add(new URL(path, url).href)
    const scripts = found(/\bloadScript\('(\w+)'\)/g)
    for (const name of scripts) urls.add(new URL(`runtime/${name}.cjs`, LIB).href)
    const map = /^\/\/# sourceMappingURL=(.+)$/m.exec(text)?.[1]
    if (map === undefined) continue
    const read = JSON.parse(readFileSync(fileURLToPath(new URL(map, url)), 'utf8')) as {
      readonly sources: readonly string[]
    }
    for (const source of read.sources) sources.add(source.replace(/^.*\/src\//, ''))
  }
  return [...sources]
}

/** Why `source` is loaded: the shortest chain of imports that leads there from one of `entries`. */
function way(entries: readonly string[], source: string): string {
  const cameFrom = new Map<string, string>()
  const known = new Set(entries.map((entry) => new URL(entry, MODULES).href))
  for (const url of known) {
    const text = readFileSync(fileURLToPath(url), 'utf8')
    for (const [, path] of text.matchAll(IMPORTED)) {
      const next = new URL(path!, url).href
      if (!known.has(next)) cameFrom.set(next, url)
      known.add(next)
    }
  }
  const names: string[] = []
  let url: string | undefined = new URL(source.replace(/ts$/, 'js'), MODULES).href
  if (!known.has(url)) return 'no import leads there, the build puts it into a script of many'
  for (; url !== undefined; url = cameFrom.get(url)) {
    names.unshift(url.slice(MODULES.href.length).replace(/js$/, 'ts'))
  }
  return names.join(' → ')
}

test('way() is a chain of imports from an entry to a file', () => {
  const [entry] = ENTRIES.socket
  assert.equal(way([entry], 'threads/socket.ts'), 'threads/socket.ts')
  const chain = way([entry], 'base/errors.ts')
  assert.match(chain, /^threads\/socket\.ts → (.+ → )?base\/errors\.ts$/)
  assert.match(way([entry], 'service/service.ts'), /^no import/)
})

test('a thread loads nothing of what only others use', () => {
  const found: string[] = []
  for (const [thread, entries] of Object.entries(ENTRIES)) {
    const sources = loadedBy(entries)
    assert.ok(sources.includes('base/errors.ts'), `${thread} loads what all need`)
    for (const [name, threads] of Object.entries(NOT_LOADED)) {
      if (!threads.some((each) => each === thread)) continue
      const loaded = sources.filter((source) => source.startsWith(name))
      found.push(...loaded.map((source) => `${thread} loads ${source}: ${way(entries, source)}`))
    }
  }
  assert.deepEqual(found, [])
})

test('each row of what a thread does not load is there', () => {
  const doors = DOORS.map((path) => path.slice('src/'.length).replace(/ts$/, 'js'))
  const sources = loadedBy([...doors, 'cli/main.js', ...Object.values(ENTRIES).flat()])
  for (const name of Object.keys(NOT_LOADED)) {
    assert.ok(
      sources.some((source) => source.startsWith(name)),
      name,
    )
  }
})

test('withoutComments() empties the lines of comments, and keeps all others in place', () => {
  const before = [
    '/** Of a file. */',
    'a() // stays',
    '  // goes',
    '  /* goes',
    '     goes too',
    '  */ b()',
    "c('/*')",
  ]
  const after = ['', 'a() // stays', '', '', '', '     b()', "c('/*')"]
  assert.equal(withoutComments(before.join('\n'), []), after.join('\n'))
})

test('withoutComments() keeps the text of a template', () => {
  const code = 'a(`\n// text\n/* text`)\n// goes\n'
  const texts = [[code.indexOf('`') + 1, code.lastIndexOf('`')]] as const
  assert.equal(withoutComments(code, texts), code.replace('// goes', ''))
})

test('scripts are strict, as the modules were that became them', () => {
  for (const name of ['common', 'shared', 'worker', 'socket', 'main']) {
    const text = readFileSync(fileURLToPath(new URL(`runtime/${name}.cjs`, LIB)), 'utf8')
    assert.match(text, /^'use strict';\n/, name)
  }
})

test('fromScripts() lets a module use what it hands on, and a global of the same name', () => {
  const code = [
    "import { a, b as own } from '../runtime/shared.js';",
    "export { a, b as fetch, b } from '../runtime/shared.js';",
    "import '../runtime/main.js';",
    "export { c } from './other.js';",
    'fetch(a, own);',
  ]
  const made = fromScripts(code.join('\n'), 'x/door.js', (name) => name !== 'other').split('\n')
  assert.deepEqual(made, [
    "import { load as loadScript } from '../runtime/loader.js'; " +
      "const { a, b: own } = loadScript('shared');",
    "const { a: script$a, b: script$fetch, b: script$b } = loadScript('shared'); " +
      'export { script$a as a, script$fetch as fetch, script$b as b };',
    "loadScript('main');",
    "export { c } from './other.js';",
    'fetch(a, own);',
  ])
})
