/** Codecs with the libraries of others: types, validators, messages. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withPackages } from '../support/installed.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PACKAGES = [
  '@bufbuild/protobuf@2.17.0',
  'arktype@2.2.10',
  'msgpackr@2.1.3',
  'protobufjs@8.8.1',
  'valibot@1.5.0',
  'zod@4.6.7',
]

/** Compiles these files where the packages are. */
function compile(folder: string, names: readonly string[]): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const flags = ['--strict', '--target', 'es2022', '--lib', 'es2023,esnext.disposable']
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
  const more = ['--module', 'nodenext', '--skipLibCheck', '--ignoreConfig', ...types]
  const { stdout, status } = spawnSync(process.execPath, [tsc, ...flags, ...more, ...names], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stdout)
}

// Proves: docs/codec.md#protobuf, #protocol, #protocol-invalid, #protocol-sync
test('codecs take types and validators of other libraries, typed', (t) => {
  const folder = withPackages('codecs', PACKAGES, [])
  if (folder === undefined) {
    return t.diagnostic(`left out: npm cannot install ${PACKAGES.join(' ')}`)
  }
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  cpSync(join(ROOT, 'test/fixtures/packages/codecs.ts'), join(folder, 'codecs.ts'))
  compile(folder, ['codecs.ts'])
  const printed = execFileSync(process.execPath, ['codecs.js'], { cwd: folder, encoding: 'utf8' })
  assert.equal(printed, 'all is well\n')
})

test('the examples of docs/codec.md with other libraries compile', (t) => {
  const folder = withPackages('codecs', PACKAGES, [])
  if (folder === undefined) {
    return t.diagnostic(`left out: npm cannot install ${PACKAGES.join(' ')}`)
  }
  const page = readFileSync(join(ROOT, 'docs/codec.md'), 'utf8')
  const blocks = [...page.matchAll(/```ts\n(?:\/\/ \S+\n)?(import [\s\S]*?)```/g)]
  // What a user generates is not there.
  const texts = blocks.map(([, text]) => text!).filter((text) => !text.includes('./gen/'))
  assert.ok(texts.some((text) => text.includes("from 'zod'")))
  const names = texts.map((text, i) => {
    writeFileSync(join(folder, `example-${i}.ts`), text)
    return `example-${i}.ts`
  })
  compile(folder, names)
})
