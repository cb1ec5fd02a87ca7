/** What a process has once that prints, for who counts what nodes leave in it. */
import { resolveConfig, startNode } from 'skynet-ts/node'
import { fixture } from './process.ts'

/**
 * The first line that comes to the output of this process adds a listener to it, which stays. A
 * service prints one: what a node says itself depends on how fast its services end.
 */
export async function beginOutput(): Promise<void> {
  const printer = { thread: 1, start: fixture('printer.ts'), logger: '/dev/null' }
  await (await startNode(resolveConfig(printer, '/'))).stop()
}
