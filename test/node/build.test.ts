/** `tools/run.mjs`, the door of all commands, in a project that goes wrong. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'

const TOOLS = join(import.meta.dirname, '../../../tools')
const SCRIPTS = ['run.mjs', 'bundle.mjs', 'types.mjs']
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A project that is installed and built, but not compiled ahead; `warm` is what does that. */
function project(t: TestContext, warm: string): string {
  const root = mkdtempSync(join(tmpdir(), 'build-'))
  t.after(() => rmSync(root, { recursive: true }))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  write('package.json', '{ "type": "module", "engines": { "node": ">=20.19" } }')
  write('package-lock.json', '{}')
  write('tsconfig.json', '{}')
  write('node_modules/.cache/skynet-ts-lock', sha256('{}'))
  write('dist/lib/runtime/loader.js', 'export const isKept = () => false')
  write('dist/lib/cli/main.js', '')
  write('dist/lib/runtime/command.cjs', '')
  write('dist/src/index.js', '')
  for (const script of SCRIPTS) cpSync(join(TOOLS, script), join(root, 'tools', script))
  write('tools/warm.mjs', warm)
  const sources = ['package.json', 'tsconfig.json', ...SCRIPTS.map((name) => `tools/${name}`)]
  const lines = [...sources, 'tools/warm.mjs'].map((path) => join(root, path)).sort()
  const looks = lines.map((file) => `${file} ${statSync(file).mtimeMs} ${statSync(file).size}`)
  write('dist/.built', sha256(looks.join('\n')))
  return root
}

/** How `npm run build` ends there, without the seconds that a step took. */
function built(root: string): { readonly told: string; readonly status: number | null } {
  const words = [join(root, 'tools/run.mjs'), 'build']
  const { stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  return { told: stderr.replace(/ [\d.]+ s$/m, ''), status }
}

const WRONG = {
  'throw new TypeError("no node starts")': 'TypeError: no node starts',
  'process.exit(7)': 'ended with 7',
  'process.kill(process.pid, "SIGKILL")': 'ended with SIGKILL',
}

for (const [warm, reason] of Object.entries(WRONG)) {
  test(`a build that cannot compile ahead fails with a sentence: ${reason}`, (t) => {
    const sentence = `Cannot compile ahead: ${reason}\nFor all of it run: node tools/warm.mjs\n`
    assert.deepEqual(built(project(t, warm)), {
      told: `Compiling ahead …\n${sentence}`,
      status: 1,
    })
  })
}

test('a build that compiles ahead ends well, and says nothing else', (t) => {
  assert.deepEqual(built(project(t, '')), { told: 'Compiling ahead …\n', status: 0 })
})
