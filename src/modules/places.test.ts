import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { modulesIn } from './places.ts'

/** Is the module at `url` found in a stack with that one frame? */
const isIn = (frame: string, url: string): boolean =>
  modulesIn(`Error: no\n    at other (file:///x.js:1:1)\n    ${frame}`, [url]).has(url)

const KID = 'file:///a/kid.ts'

const FRAMES = [
  'at file:///a/kid.ts:1:2',
  'at run (file:///a/kid.ts:1:2)',
  'at async file:///a/kid.ts:1:2',
  'at async Kid.run (file:///a/kid.ts:1:2)',
  'at new Kid (/a/kid.ts:12:34)',
  'at Kid.run [as go] (/a/kid.ts:1:2)',
  'at /a/kid.ts:1:2',
  'at eval (eval at run (file:///a/kid.ts:1:2), <anonymous>:1:7)',
]
for (const frame of FRAMES) {
  test(`modulesIn() finds a module by its frame: ${frame}`, () => assert.ok(isIn(frame, KID)))
}

const OTHERS = [
  'at run (file:///a/kid.tsx:1:2)',
  'at run (/a/kid.tsx:1:2)',
  'at run (/a/kid.ts/index.js:1:2)',
  'at run (file:///b/a/kid.ts:1:2)',
  'at run (/b/a/kid.ts:1:2)',
  'at /b/a/kid.ts:1:2',
  'at /b /a/kid.ts:1:2',
  'at run (/a/kid_ts:1:2)',
  'at run (file:///a/kid.ts?v=1:1:2)',
  `Error: Cannot parse (/a/kid.ts:1:2)`,
]
for (const frame of OTHERS) {
  test(`modulesIn() takes nothing else for a module: ${frame}`, () => {
    assert.ok(!isIn(frame, KID))
  })
}

test('modulesIn() takes the characters of a path as they are', () => {
  const path = '/a b/ä+k{i}[d](1)$^.|?#\\*.ts'
  const { href } = pathToFileURL(path)
  assert.ok(isIn(`at run (${path}:1:2)`, href))
  assert.ok(isIn(`at ${path}:1:2`, href))
  assert.ok(isIn(`at run (${href}:1:2)`, href))
})

test('modulesIn() finds a module behind a link, each version of it for itself', (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'skynet-places-')))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'real'))
  writeFileSync(join(folder, 'real/kid.js'), '')
  symlinkSync('real', join(folder, 'link'))
  const link = pathToFileURL(join(folder, 'link/kid.js')).href
  const real = pathToFileURL(join(folder, 'real/kid.js')).href
  assert.ok(isIn(`at ${real}:1:2`, link))
  assert.ok(isIn(`at ${join(folder, 'real/kid.js')}:1:2`, link))
  assert.ok(!isIn(`at ${link}:1:2`, real))
  const urls = [`${link}?v=1`, `${link}?v=2`, link]
  const stack = `Error\n    at ${real}?v=2:1:2`
  assert.deepEqual([...modulesIn(stack, urls)], [urls[1]])
})

test('modulesIn() finds modules that are no file, and none that the stack does not name', () => {
  assert.ok(isIn('at test:kid:1:2', 'test:kid'))
  assert.equal(modulesIn('', [KID, 'test:kid']).size, 0)
})
