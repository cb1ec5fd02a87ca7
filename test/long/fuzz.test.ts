/** Whatever a peer sends: no crash, no memory beyond the limit, no hang, no crawl. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PARSERS as BROKEN } from '../fixtures/broken-parsers.ts'
import { fuzz } from '../support/fuzz.ts'
import { PARSERS } from '../support/parsers.ts'

/** The same ones each time; `npm run soak fuzz` takes others, a million of each. */
const INPUTS = 20_000

const only = process.env.SKYNET_SEED
const inputs = only === undefined ? { first: 0, count: INPUTS } : { first: Number(only), count: 1 }

for (const { name } of PARSERS) {
  // Proves: docs/codec.md#hostile
  // Proves: docs/frames.md#hostile
  // Proves: docs/limits.md#codec-memory
  test(`${name}: whatever a peer sends is taken, or refused with a code`, async () => {
    assert.equal(await fuzz(name, inputs), undefined)
  })
}

const url = new URL('../fixtures/broken-parsers.js', import.meta.url).href
const table = { url, parsers: BROKEN }
const ofBroken = (name: string) => {
  const hangMs = name === 'hangs' ? 500 : 60_000
  return fuzz(name, { first: 0, count: 5000, hangMs, table })
}

const FOUND = {
  throws: /^throws throws TypeError[\s\S]*\n {2}SKYNET_SEED=\d+, the least bytes: ee$/,
  codeless: /^codeless throws Error: no error of ours[\s\S]*the least bytes: ee$/,
  outside: /^outside takes \d+ bytes of memory for \d+ bytes\n.*the least bytes: ee$/,
  inside: /^inside takes \d+ bytes of memory for \d+ bytes\n.*the least bytes: ee$/,
  hangs: /^hangs ends its thread: Error: it hangs: .*\n {2}SKYNET_SEED=\d+, bytes: /,
  grows: /^grows ends its thread: Error.*\n {2}SKYNET_SEED=\d+, bytes: .*ee$/,
  crawls:
    /^crawls takes longer for each byte the more there are\n {2}SKYNET_SEED=\d+, made long of: /,
  torn: /^torn gives something else when .*\n {2}SKYNET_SEED=\d+, the least bytes: (..){2,}$/,
}

for (const [name, told] of Object.entries(FOUND)) {
  test(`the harness finds a parser that ${name}`, async () => {
    assert.match((await ofBroken(name)) ?? 'nothing was found', told)
  })
}

test('the harness has nothing to say of a parser without a fault', async () => {
  assert.equal(await ofBroken('ok'), undefined)
})
