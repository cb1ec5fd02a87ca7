import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Allowed, longest } from './shape.ts'
import { readSource } from './source.ts'
import { tidy } from './tidy.ts'

const NONE: Allowed = { assemblies: {}, facades: {}, doubles: {} }
const LISTED = {
  errorCodes: ['ERR_A'],
  folders: ['base'],
  configKeys: ['start'],
  socketOptions: ['noDelay'],
  limits: { BYTES_MAX: 65_536, WAIT_MS: 5000 },
}

/** A tree in which nothing is to be found, and the way to everything that is checked. */
const TIDY = {
  'package.json': JSON.stringify({
    exports: {
      '.': { 'skynet-ts-source': './src/index.ts' },
      './node': { 'skynet-ts-source': './src/node.ts' },
      './testing': { 'skynet-ts-source': './src/testing.ts' },
      './package.json': './package.json',
    },
    dependencies: { koffi: '1' },
    devDependencies: { typescript: '1' },
  }),
  'CONTRIBUTING.md': [
    '| `npm test` | runs |',
    '## Floors',
    '| `base` | limits |',
    '## Rest',
    '`koffi` and `typescript` serve',
  ].join('\n'),
  'docs/errors.md': '| code | cause |\n| --- | --- |\n| `ERR_A` | none |\n',
  'docs/config.md': '| `start` | a path |\n',
  'docs/sockets.md': '# Sockets\n| `socket` |\n## Options\n| `noDelay` | a flag |\n',
  'docs/limits.md': '| bytes | 64 KiB (`BYTES_MAX`) | `ERR_A` |\n',
  'docs/semantics.md': '- <a id="order"></a>Order holds.\n- <a id="end"></a>All ends.\n',
  'src/index.ts': "export { a } from './base/a.ts'\n",
  'src/base/a.ts': 'export const a = 1\n',
  'test/order.test.ts': '// Proves: docs/semantics.md#order, #end\ntest()\n',
}

function failuresOf(
  t: TestContext,
  files: Record<string, string | undefined>,
  allowed: Allowed = NONE,
): string[] {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries({ ...TIDY, ...files })) {
    if (text === undefined) continue
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return tidy(root, LISTED, allowed)
}

test('tidy() finds nothing in a tidy tree', (t) => {
  assert.deepEqual(failuresOf(t, {}), [])
})

test('tidy() reports an import that goes up or sideways, types too', (t) => {
  const failures = failuresOf(t, {
    'src/net/n.ts': "import type { K } from '../kernel/k.ts'\n",
    'src/kernel/k.ts': "import {\n  type A,\n} from '../net/n.ts'\n",
    'src/service/s.ts': "export * from '../threads/t.ts'\nawait import('../cli/main.ts')\n",
    'src/os/o.ts': '',
    'src/cli/main.ts': "import '../service/s.ts'\nimport '../threads/t.ts'\n",
    'src/threads/t.ts': "import '../os/o.ts'\n",
  })
  assert.deepEqual(failures, [
    'src/kernel/k.ts:3: kernel may not import net: src/net/n.ts',
    'src/net/n.ts:1: net may not import kernel: src/kernel/k.ts',
    'src/service/s.ts:1: service may not import threads: src/threads/t.ts',
    'src/service/s.ts:2: service may not import cli: src/cli/main.ts',
    'src/net/n.ts:1: import cycle: src/kernel/k.ts → src/net/n.ts → src/kernel/k.ts',
  ])
})

test('tidy() knows a folder with a row of its own within another', (t) => {
  const failures = failuresOf(t, {
    'src/threads/main/m.ts': "import '../t.ts'\n",
    'src/cli/main.ts': "import '../threads/main/m.ts'\n",
    'src/threads/t.ts': "import './main/other/o.ts'\n",
    'src/threads/main/other/o.ts': '',
  })
  assert.deepEqual(failures, [
    'src/threads/t.ts:1: threads may not import threads/main: src/threads/main/other/o.ts',
  ])
})

test('tidy() reports imports of doors, of tools, and of internals by examples', (t) => {
  const failures = failuresOf(t, {
    'src/base/a.ts': "export { x } from '../../tools/x.ts'\n",
    'tools/x.ts': '',
    'bench/b.ts': "import { a } from '../src/base/a.ts'\nimport { b } from '../src/index.ts'\n",
    'examples/e.ts': "import { a } from '../src/base/a.ts'\nimport { b } from 'skynet-ts'\n",
  })
  assert.deepEqual(failures, [
    'src/base/a.ts:1: src may not import tools/x.ts, which is not published',
    "examples/e.ts:1: examples import 'skynet-ts', as a user does",
    "bench/b.ts:2: src/index.ts is a door: import 'skynet-ts' outside of src, a file inside",
  ])
})

test('tidy() lets tests import testing, and nobody else', (t) => {
  const failures = failuresOf(t, {
    'src/testing/t.ts': '',
    'src/base/a.ts': "import '../testing/t.ts'\n",
    'src/base/a.test.ts': "import '../testing/t.ts'\nimport '../os/o.ts'\n",
    'src/os/o.ts': '',
    'src/testing.ts': "import './os/o.ts'\n",
  })
  assert.deepEqual(failures, [
    'src/base/a.test.ts:2: base may not import os: src/os/o.ts; a test of both stands in src/os',
    'src/base/a.ts:1: base may not import testing: src/testing/t.ts',
  ])
})

test('tidy() reports a file of src that has no floor', (t) => {
  assert.deepEqual(failuresOf(t, { 'src/x.test.ts': '', 'src/x.ts': '', 'src/extra/y.ts': '' }), [
    'src/extra/y.ts:1: this place has no floor: no row of FLOORS, no door',
    'src/x.ts:1: this place has no floor: no row of FLOORS, no door',
    'src/extra/y.ts:1: nothing imports this file',
    'src/x.ts:1: nothing imports this file',
  ])
})

test('tidy() reports koffi and sockets of Node where they do not belong', (t) => {
  const failures = failuresOf(t, {
    'src/index.ts': "export { o } from './os/o.ts'\nexport { a } from './base/a.ts'\n",
    'src/os/o.ts': "import koffi from 'koffi'\n",
    'src/os/o.test.ts': "import net from 'node:net'\n",
    'src/base/a.ts': "import 'koffi'\nimport { connect } from 'node:net'\nimport 'dgram'\n",
  })
  assert.deepEqual(failures, [
    'src/base/a.ts:1: only src/os may import koffi',
    'src/base/a.ts:2: node:net is not used here: sockets are ours',
    'src/base/a.ts:3: dgram is not used here: sockets are ours',
  ])
})

test('tidy() reports a cycle once, at the import that closes it', (t) => {
  const failures = failuresOf(t, {
    'src/base/a.ts': "import './b.ts'\n",
    'src/base/b.ts': "import './c.ts'\nimport './d.ts'\n",
    'src/base/c.ts': "import './a.ts'\n",
    'src/base/d.ts': "const later = () => import('./a.ts')\n",
  })
  assert.deepEqual(failures, [
    'src/base/c.ts:1: import cycle: src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts',
  ])
})

test('tidy() reports lines, functions and files that are too long', (t) => {
  const lines = (count: number) => '  x\n'.repeat(count)
  const failures = failuresOf(t, {
    'src/index.ts': `${TIDY['src/index.ts']}import './base/long.ts'\nimport './base/ok.ts'\n`,
    'src/base/a.ts': `// ${'é'.repeat(97)}\n// ${'é'.repeat(98)}\n`,
    'src/base/ok.ts': `function f() {\n${lines(68)}}\nclass A {\n${lines(90)}}\n`,
    'src/base/long.ts': [
      `export function f(\n  a: number,\n): void {\n${lines(67)}}\n`,
      `const g = () => {\n  const s = '}'\n${lines(68)}}\n`,
      `if (a) {\n${lines(90)}}\n`,
      'x\n'.repeat(568),
    ].join(''),
  })
  assert.deepEqual(failures, [
    'src/base/a.ts:2: 101 columns, at most 100',
    'src/base/long.ts:802: 802 lines in a file, at most 800',
    'src/base/long.ts:1: 71 lines in a function, at most 70',
    'src/base/long.ts:72: 71 lines in a function, at most 70',
  ])
})

test('tidy() reports files that nothing imports, or only tests', (t) => {
  const failures = failuresOf(t, {
    'src/base/dead.ts': '',
    'src/base/tested.ts': '',
    'src/base/tested.test.ts': "import './tested.ts'\n",
    'src/threads/start.ts': "new Worker(new URL('./other.js', import.meta.url))\n",
    'src/threads/other.ts': '',
    'src/threads/worker.ts': '',
    'src/services/gate.ts': '',
    'src/node.ts': "export { start } from './threads/start.ts'\n",
  })
  assert.deepEqual(failures, [
    'src/base/dead.ts:1: nothing imports this file',
    'src/base/tested.ts:1: only tests import this file',
  ])
})

test('tidy() reports a cycle of types', (t) => {
  const failures = failuresOf(t, {
    'src/base/a.ts': "import type { B } from './b.ts'\nexport type A = B",
    'src/base/b.ts': "import { type A } from './a.ts'\nexport type B = A | 1",
  })
  assert.deepEqual(
    failures.filter((line) => line.includes('cycle')),
    ['src/base/b.ts:1: import cycle: src/base/a.ts → src/base/b.ts → src/base/a.ts'],
  )
})

test('tidy() reports words that do not stay, but not in strings', (t) => {
  const failures = failuresOf(t, {
    'src/base/a.ts': `// TO${'DO'}: a\nconst s = 'x as any'\nconst y = x as any\nr.skip(4)\n`,
    'test/a.test.ts': `test${'.only'}('a', f)\ntest${'.skip'}('b', f)\n// @ts-${'ignore'}\n`,
  })
  assert.deepEqual(failures, [
    `src/base/a.ts:1: 'TO${'DO'}' does not stay in the code`,
    "src/base/a.ts:3: 'as any' does not stay in the code",
    "test/a.test.ts:1: '.only(' does not stay in the code",
    "test/a.test.ts:2: '.skip(' does not stay in the code",
    `test/a.test.ts:3: '@ts-${'ignore'}' does not stay in the code`,
  ])
})

test('tidy() reports docs that say less or more than the code', (t) => {
  const failures = failuresOf(t, {
    'CONTRIBUTING.md': '`koffi`\n## Floors\n| `bass` | limits |\n## Rest\n| `base` |\n',
    'docs/errors.md': '| `ERR_B` | none |\n',
    'docs/config.md': undefined,
    'docs/sockets.md': '## Options\n\n| `delay` |\n',
  })
  assert.deepEqual(failures, [
    'docs/errors.md:1: error code ERR_A has no row',
    'docs/errors.md:1: ERR_B is no error code',
    'docs/config.md:1: this file is missing',
    'docs/sockets.md:1: socket option noDelay has no row',
    'docs/sockets.md:3: delay is no socket option',
    'CONTRIBUTING.md:1: folder base has no row',
    'CONTRIBUTING.md:3: bass is no folder',
    'CONTRIBUTING.md:1: dependency `typescript` has no reason',
  ])
})

test('tidy() reports limits without a row, rows of none, and other values', (t) => {
  const of = (...rows: string[]) => failuresOf(t, { 'docs/limits.md': `${rows.join('\n')}\n` })
  const wait = '| wait | 5 s (`WAIT_MS`) | `ERR_WAIT_LATE` |'
  assert.deepEqual(of('| bytes | 65,536 (`BYTES_MAX`) |', wait, 'see `OTHER_MAX`'), [])
  assert.deepEqual(of('| `BYTES_MAX` | 64 Ki characters |', wait), [])
  assert.deepEqual(
    of('| bytes | 64 KB (`BYTES_MAX`) |', '| wait | 1 s (`WAIT_MS`, `OTHER_MS`) |'),
    [
      'docs/limits.md:1: BYTES_MAX is 65536',
      'docs/limits.md:2: WAIT_MS is 5000',
      'docs/limits.md:2: OTHER_MS is no limit',
    ],
  )
  assert.deepEqual(of('`BYTES_MAX`'), ['docs/limits.md:1: limit BYTES_MAX has no row'])
})

test('tidy() reports a promise without a test, and a test of what is no promise', (t) => {
  const failures = failuresOf(t, {
    'docs/sharing.md': '| what |\n| <a id="mailbox"></a>1024 | <a id="ring"></a>4 MiB |\n',
    'src/base/a.test.ts': "import './a.ts'\n  // Proves: docs/sharing.md#ring\n",
    'src/base/b.suite.ts': '// Proves: docs/semantics.md#orders, #end\n// Proves: #order\n',
    'src/base/a.ts': '// Proves: docs/sharing.md#mailbox\n',
    'test/order.test.ts': '// Proves: docs/semantics.md#order\ntest()\n',
  })
  assert.deepEqual(failures, [
    'src/base/b.suite.ts:1: there is no promise docs/semantics.md#orders',
    'src/base/b.suite.ts:2: a proof is written: docs/page.md#anchor, #anchor',
    'docs/sharing.md:2: no test proves docs/sharing.md#mailbox',
  ])
})

test('tidy() reports pages that name files that are not there', (t) => {
  const text = 'In `src/base/a.ts`, tests in `src/**/<file>.test.ts`, made `dist/src/b.ts`.\n'
  const failures = failuresOf(t, {
    'AGENTS.md': text,
    'docs/architecture.md': `${text}Then \`src/base/b.ts\` → src/base/a.ts, [c](../tools/c.mjs).\n`,
  })
  assert.deepEqual(failures, ['docs/architecture.md:2: there is no src/base/b.ts'])
})

test('readSource() takes comments, strings, templates and patterns for what they are', () => {
  const { imports, bareLines } = readSource(
    'src/a.ts',
    [
      "// import './comment.ts'",
      "const a = \"import './string.ts'\" // it's",
      `const b = \`\${f({ a: '}' })} import './template.ts' \${\`inner\`}\``,
      "const c = x.replace(/['\"`/[/\\]]/g, '') / 2",
      "import d, { type e } from './d.ts'",
    ].join('\n'),
  )
  assert.deepEqual(
    imports.map(({ specifier, kind, line }) => [specifier, kind, line]),
    [['./d.ts', 'value', 5]],
  )
  assert.equal(bareLines[1]?.trimEnd(), `const a = "${' '.repeat(20)}"`)
  assert.equal(bareLines[3]?.endsWith("'') / 2"), true)
})

test('tidy() reports a file that imports many, types counted, unless it is an assembly', (t) => {
  const names = Array.from({ length: 13 }, (_, i) => `p${i}`)
  const parts = names.map((name) => [`src/base/${name}.ts`, `export type ${name} = 1\n`])
  const kinds = names.map(
    (name, i) => `import ${i % 2 ? 'type ' : ''}{ ${name} } from './${name}.ts'\n`,
  )
  const files = {
    ...Object.fromEntries(parts),
    'src/index.ts': `${TIDY['src/index.ts']}${kinds.join('').replaceAll("'./", "'./base/")}`,
    'src/base/a.ts': `${kinds.join('')}import { p0 as again } from './p0.ts'\nexport const a = 1\n`,
    'src/base/a.test.ts': `import './a.ts'\n${kinds.join('')}`,
  }
  const sentence = 'src/base/a.ts:1: imports 13 files of ours, at most 12'
  assert.deepEqual(failuresOf(t, files), [sentence])
  const assemblies = { 'src/base/a.ts': 'puts them together' }
  assert.deepEqual(failuresOf(t, files, { ...NONE, assemblies }), [])
  const fewer = { ...files, 'src/base/a.ts': kinds.slice(1).join('') }
  assert.deepEqual(failuresOf(t, fewer, { ...NONE, assemblies }), [
    'tools/allowed.ts:1: assemblies: the entry of src/base/a.ts is not needed any more',
  ])
})

test('tidy() reports a class that shows much, unless it is a facade', (t) => {
  const methods = Array.from({ length: 17 }, (_, i) => `  m${i}(\n    a: number,\n  ): void {}\n`)
  const shown = '  readonly x = 1\n  y: number\n  static async *[Symbol.iterator]() {}\n'
  const twice = '  get z() {\n    return 1\n  }\n  set z(to) {}\n'
  const hidden = '  readonly #p = 1\n  #q() {}\n  private r = 1\n  constructor() {}\n'
  const klass = (body: string): string => `export class A\n  extends B {\n${hidden}${body}}\n`
  const files = { 'src/base/a.ts': klass(methods.join('') + shown + twice) }
  assert.deepEqual(failuresOf(t, files), [
    'src/base/a.ts:1: 21 public members in a class, at most 20',
  ])
  const facades = { A: 'a line a method' }
  assert.deepEqual(failuresOf(t, files, { ...NONE, facades }), [])
  const smaller = { 'src/base/a.ts': klass(methods.join('') + shown) }
  assert.deepEqual(failuresOf(t, smaller), [])
  assert.deepEqual(failuresOf(t, smaller, { ...NONE, facades }), [
    'tools/allowed.ts:1: facades: the entry of A is not needed any more',
  ])
})

test('tidy() reports a name that two files export, doors aside, but not twice in one', (t) => {
  const files = {
    'src/index.ts': "export { a } from './base/a.ts'\nexport { T } from './base/b.ts'\n",
    'src/base/a.ts': 'export const a = 1\nexport type T = 1\nexport interface T {}\n',
    'src/base/b.ts': "export abstract class T {}\n// export const a\nconst s = 'export'\n",
    'src/base/c.ts': "import './b.ts'\nexport { s as a, type T } from './b.ts'\n",
    'src/base/c.test.ts': 'export const T = 1\n',
    'src/node.ts': "import './base/c.ts'\n",
  }
  assert.deepEqual(failuresOf(t, files), [
    'src/base/c.ts:2: a is exported by src/base/a.ts',
    'src/base/b.ts:1: T is exported by src/base/a.ts',
    'src/base/c.ts:2: T is exported by src/base/a.ts',
  ])
  assert.deepEqual(failuresOf(t, files, { ...NONE, doubles: { a: 2, T: 3 } }), [])
  assert.deepEqual(failuresOf(t, files, { ...NONE, doubles: { a: 2, T: 2 } }), [
    'src/base/b.ts:1: T is exported by src/base/a.ts',
    'src/base/c.ts:2: T is exported by src/base/a.ts',
  ])
  const { 'src/base/c.ts': _, 'src/node.ts': __, ...fewer } = files
  assert.deepEqual(failuresOf(t, fewer, { ...NONE, doubles: { a: 2, T: 3 } }), [
    'tools/allowed.ts:1: doubles: 2 files export T, not 3',
    'tools/allowed.ts:1: doubles: the entry of a is not needed any more',
  ])
})

test('longest() shows the ten longest files, the longest first', () => {
  const sources = Array.from({ length: 12 }, (_, i) => readSource(`src/${i}.ts`, '\n'.repeat(i)))
  const shown = longest(sources)
  assert.equal(shown.length, 10)
  assert.deepEqual([shown[0], shown[9]], ['   11 src/11.ts', '    2 src/2.ts'])
})
