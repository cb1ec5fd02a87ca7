/**
 * Several test files in this one process: to start a process for each, or a node for each, would
 * take longer than their tests do.
 */
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

/** @param files Paths. `tools/run.mjs` writes the program that calls this. */
export async function together(files: readonly string[]): Promise<void> {
  let open = (): void => {}
  const loaded = new Promise<void>((resolve) => {
    open = resolve
  })
  // The others wait behind this one: else a test might begin before the rest of its file is there.
  test('all of these test files are loaded', () => loaded)
  for (const file of files) {
    // A file that does not load fails, and hides no other.
    await import(pathToFileURL(file).href).catch((error: unknown) => {
      // That test may be left out by a flag.
      process.exitCode = 1
      test(`load ${file}`, () => {
        throw error
      })
    })
  }
  open()
}
