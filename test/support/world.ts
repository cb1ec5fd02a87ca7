/** A node in a world that is not as it should be, and whether that is any concern of the node. */
import assert from 'node:assert/strict'
import type { StdioOptions } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { NodeConfig } from 'skynet-ts/node'
import { Cli, scratchFolder, textOf } from './cli.ts'
import { until } from './until.ts'

/**
 * A node that does something of everything: see test/fixtures/healthy.ts.
 *
 * @param shell What a shell does first, in words or told by the folder of the test.
 */
export function live(
  t: TestContext,
  shell: string | ((folder: string) => string),
  config: Partial<NodeConfig> = {},
  stdio?: StdioOptions,
): Cli {
  const folder = scratchFolder(t)
  const args = [join(folder, 'note')]
  const words = typeof shell === 'string' ? shell : shell(folder)
  return new Cli(t, folder, { start: 'healthy.js', args, thread: 2, ...config }, words, stdio)
}

export const noteOf = (cli: Cli): string => textOf(join(cli.folder, 'note'))

/** Wait until it has noted how it is, or has ended before: how. */
export async function comesTo(cli: Cli): Promise<Awaited<Cli['ended']> | undefined> {
  const { child } = cli
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  await until('the node to be well', () => noteOf(cli) !== '' || isOver())
  return isOver() ? cli.ended : undefined
}

/** Wait until it has done everything; it does not end before. */
export async function assertWell(cli: Cli): Promise<void> {
  await comesTo(cli)
  assert.equal(noteOf(cli), 'well;', cli.err + cli.out)
}

/** It stops as ever: hooks run, the code is 0. */
export async function assertStops(cli: Cli, signal?: NodeJS.Signals): Promise<void> {
  const ended = await cli.stop(signal)
  assert.equal(noteOf(cli), 'well;stop hook;exit hook;', cli.err + cli.out)
  assert.deepEqual(ended, { code: 0, signal: null })
}

/** For each name, what a shell does before the node begins: `exec "$0" "$@"` is the node. */
export function testWell(worlds: Record<string, string>): void {
  for (const [name, shell] of Object.entries(worlds)) {
    test(`a node is well ${name}`, async (t) => {
      const cli = live(t, shell)
      await assertWell(cli)
      await assertStops(cli)
    })
  }
}
