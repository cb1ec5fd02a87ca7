/** What a schema costs the compiler. Counted, not timed: a busy machine changes nothing. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compilerOf, OUR_COMPILER, oldestCompiler } from '../support/compilers.ts'

/** Inside the project, so that the package finds itself by its name. */
const APP = fileURLToPath(new URL('../../test/sproto-app/', import.meta.url))
/**
 * Of 800 lines in 100 types, each encoded and decoded. It is about 400,000, which is a quarter of a
 * second of the compiler of today, and two of those before it.
 */
const INSTANTIATIONS_MAX = 600_000

const CONFIG = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
  },
  files: ['app.mts'],
}

const KINDS = ['integer', 'string', '*boolean', 'integer(2)', 'double', 'binary']

/** So many types of eight lines; what they hold is of other ones, too. */
function schemaOf(types: number): string {
  const lines = Array.from({ length: types }, (_, i) => [
    `.Type${i} {`,
    '    id 0 : integer',
    ...[1, 2, 3].map((j) => `    field${j} ${j} : ${KINDS[(i + j) % KINDS.length]}`),
    `    list 4 : *Type${Math.max(0, i - 1)}(id)   # by id`,
    `    one 5 : Type${Math.max(0, i - 3)}`,
    '}',
  ])
  return lines.flat().join('\n')
}

const eachOf = (types: number): string =>
  Array.from(
    { length: types },
    (_, i) => `game.encode('Type${i}', { id: ${i} })
game.decode('Type${i}', bytes).list?.get(1)?.id?.toFixed()`,
  ).join('\n')

/** @returns How many instantiations the compiler has made for a program with this schema. */
function check(tsc: string, text: string, uses: string): number {
  rmSync(APP, { recursive: true, force: true })
  mkdirSync(APP, { recursive: true })
  const program = `import { sproto } from 'skynet-ts/codec'
declare const bytes: Uint8Array
export const game = sproto(${text})
void bytes
${uses}
`
  writeFileSync(join(APP, 'app.mts'), program)
  writeFileSync(join(APP, 'tsconfig.json'), JSON.stringify(CONFIG))
  const words = [tsc, '-p', APP, '--extendedDiagnostics']
  const { stdout, status } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
  return Number(/Instantiations:\s+(\d+)/.exec(stdout)![1])
}

const WRONG = `
// @ts-expect-error There is no such type.
game.encode('Type100', {})
// @ts-expect-error There is no such field.
game.encode('Type99', { field: 1 })
// @ts-expect-error What is in the list is an object.
game.encode('Type99', { list: [5] })
`

test('a schema of 800 lines costs little, on the oldest compiler and on the newest', () => {
  const text = schemaOf(100)
  assert.equal(text.split('\n').length, 700 + 100)
  for (const tsc of [oldestCompiler(), compilerOf('5.9'), OUR_COMPILER]) {
    const without = check(tsc, `'' as string`, '')
    const count = check(tsc, `\`\n${text}\n\``, eachOf(100) + WRONG) - without
    assert.ok(count < INSTANTIATIONS_MAX, `${count} instantiations by ${tsc}`)
    assert.ok(count > 10_000, `${count}: it has looked at nothing`)
  }
})

test('a schema of 900 types, and a type of 900 fields, are known to the compiler', () => {
  check(OUR_COMPILER, `\`\n${schemaOf(900)}\n\``, "game.encode('Type899', { id: 1 })")
  const fields = Array.from({ length: 900 }, (_, i) => `  f${i} ${i} : integer`).join('\n')
  check(OUR_COMPILER, `\`\n.Wide {\n${fields}\n}\n\``, "game.encode('Wide', { f899: 1 })")
})
