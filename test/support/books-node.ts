/** A node with the gate of books, its ledger, and a way to it that can be cut. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Node, resolveConfig, startNode } from 'skynet-ts/node'
import type deskService from '../fixtures/books-desk.ts'
import type gateService from '../fixtures/books-gate.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import { fixture } from './process.ts'
import { type Ledger, readLedger } from './session-books.ts'

export class BooksNode implements AsyncDisposable {
  readonly #node: Node
  readonly #folder: string
  /** To its WebSocket, and its page. */
  readonly proxy: CuttingProxy

  private constructor(node: Node, folder: string, proxy: CuttingProxy) {
    this.#node = node
    this.#folder = folder
    this.proxy = proxy
  }

  static async start(): Promise<BooksNode> {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-books-'))
    const ledger = join(folder, 'ledger')
    writeFileSync(ledger, '')
    const given = { thread: 3, start: fixture('books-host.ts'), args: [ledger] }
    const node = await startNode(resolveConfig({ ...given, logger: join(folder, 'log') }, '/'))
    const places = await node.ref<typeof gateService>('.gate').call.places()
    const { port } = places.find(({ transport }) => transport === 'ws')!
    return new BooksNode(node, folder, await CuttingProxy.to(port))
  }

  get desk() {
    return this.#node.ref<typeof deskService>('.desk')
  }

  url(user: string): string {
    return `http://127.0.0.1:${this.proxy.port}/?user=${user}`
  }

  ledger(): Ledger {
    return readLedger(join(this.#folder, 'ledger'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]()
    await this.#node.stop()
    rmSync(this.#folder, { recursive: true })
  }
}
