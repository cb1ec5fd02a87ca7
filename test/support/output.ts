/** What a process has once that prints, for who counts what nodes leave in it. */
import { resolveConfig, startNode } from 'skynet-ts/node'
import { fixture } from './process.ts'

/** The first line that a node prints itself adds a listener to the process, which stays. */
export async function beginOutput(): Promise<void> {
  const stubborn = { thread: 1, start: fixture('stubborn.ts'), exitMs: 1, logger: '/dev/null' }
  await (await startNode(resolveConfig(stubborn, '/'))).stop().catch(() => {})
}
