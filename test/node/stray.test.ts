/** Whose a fault is that no task of a service catches, whatever the stack calls its module. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CLI, scratchFolder } from '../support/cli.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const SOURCES = join(ROOT, 'test/fixtures')
const COMPILED = join(import.meta.dirname, '../fixtures')
/** Nothing takes so long that works. */
const RUN_MS_MAX = 60_000

const linkTo = (target: string) => (t: TestContext) => {
  const link = join(scratchFolder(t), 'link')
  symlinkSync(target, link)
  return link
}

/** What a URL has to encode, and a path does not. */
function copyOfSources(t: TestContext): string {
  const folder = join(scratchFolder(t), 'tränen 100% [a] (b)')
  mkdirSync(folder)
  for (const name of ['guardian.ts', 'fault.ts']) {
    copyFileSync(join(SOURCES, name), join(folder, name))
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  symlinkSync(ROOT, join(modules, 'skynet-ts'))
  symlinkSync(join(ROOT, 'node_modules/tsx'), join(modules, 'tsx'))
  return folder
}

const MAPPED = ['--enable-source-maps']
const LOADER = ['--import', 'tsx']
const CASES: [how: string, folder: (t: TestContext) => string, flags: string[]][] = [
  ['a URL', () => COMPILED, []],
  ['the real path behind a link', linkTo(COMPILED), []],
  ['its source, by a map', () => COMPILED, MAPPED],
  ['its source, by a map behind a link', linkTo(COMPILED), MAPPED],
  ['TypeScript', () => SOURCES, []],
  ['TypeScript, loaded by the process', () => SOURCES, LOADER],
  ['TypeScript behind a link', linkTo(SOURCES), []],
  ['TypeScript, by a name that a URL encodes', copyOfSources, []],
]

for (const [how, folderOf, flags] of CASES) {
  // Proves: docs/semantics.md#fault-whose
  test(`a fault beyond all tasks ends its service, named in the stack as ${how}`, async (t) => {
    const folder = folderOf(t)
    // Compiled or not: whatever is there.
    const start = join(folder, 'guardian')
    const config = join(scratchFolder(t), 'c.json')
    writeFileSync(config, JSON.stringify({ thread: 1, start }))
    const words = [...flags, CLI, 'start', config]
    const options = { cwd: ROOT, timeout: RUN_MS_MAX }
    const { stdout } = await promisify(execFile)(process.execPath, words, options)
    for (const [method, what] of [
      ['throwInNodeTimer', 'uncaught exception'],
      ['rejectUnseen', 'unhandled rejection'],
    ]) {
      const [, address] = new RegExp(`${method} has ended (:\\w+): crash\n`).exec(stdout) ?? []
      const entry = `\\[${address} .*fault\\] error: ${what}: Error: ${method} on purpose\n`
      assert.match(stdout, new RegExp(entry))
    }
  })
}
