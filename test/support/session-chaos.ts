/** A node with a gate, whose clients are cut off while agents, workers and gates die. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BroadcastChannel } from 'node:worker_threads'
import { resolveConfig, startNode } from 'skynet-ts/node'
import type { BooksOrder, BooksResult } from '../fixtures/books-load.ts'
import { fixture } from './process.ts'

export interface Chaos
  extends Pick<BooksOrder, 'bots' | 'cuts' | 'deaths' | 'gateDeaths' | 'seed'> {}

/** Resolves when every client has been cut off so often, and has settled. */
export async function sessionChaos(chaos: Chaos): Promise<BooksResult> {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-books-'))
  const ledger = join(folder, 'ledger')
  writeFileSync(ledger, '')
  const channel = new BroadcastChannel(`books-${process.pid}`)
  const order: BooksOrder = { ...chaos, ledger, channel: channel.name }
  const told = new Promise<BooksResult>((resolve) => {
    channel.onmessage = (event) => resolve((event as { data: BooksResult }).data)
  })
  const given = { thread: 5, start: fixture('books-load.ts'), args: [order] }
  const node = await startNode(resolveConfig({ ...given, logger: join(folder, 'log') }, '/'))
  try {
    const ended = node.exited.then((code) => Promise.reject(new Error(`the node ended: ${code}`)))
    return await Promise.race([told, ended])
  } finally {
    channel.close()
    await node.stop()
    rmSync(folder, { recursive: true })
  }
}
