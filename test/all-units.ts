/**
 * The unit tests that tools/run.mjs names, in this one process: to start a process for each would
 * take longer than the tests do.
 */
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const files = process.env.SKYNET_UNIT_TESTS ?? ''
// Not for the processes that tests start.
delete process.env.SKYNET_UNIT_TESTS

let open = (): void => {}
const loaded = new Promise<void>((resolve) => {
  open = resolve
})
// The others wait behind this one: else a test might begin before the rest of its file is there.
test('all unit tests are loaded', () => loaded)

for (const file of files.split('\n')) {
  // A file that does not load fails, and hides no other.
  await import(pathToFileURL(file).href).catch((error: unknown) => {
    test(`load ${file}`, () => {
      throw error
    })
  })
}
open()
