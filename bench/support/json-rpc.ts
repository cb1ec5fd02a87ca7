/**
 * JSON-RPC 2.0 over a socket of node:net, as one writes it by hand: a length of 4 bytes in front of
 * each message, the ids of requests in a Map.
 */
import type { Socket } from 'node:net'

const HEAD_BYTES = 4

interface Message {
  readonly jsonrpc: '2.0'
  readonly id?: number
  readonly method?: string
  readonly params?: readonly unknown[]
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Each message is a write, as most write it; or what is said in one tick leaves in one write. */
export type Writes = 'each' | 'tick'

export type Methods = Readonly<Record<string, (...params: never[]) => unknown>>

/** One end of a connection: both ends may ask. */
export class JsonRpc {
  readonly #socket: Socket
  readonly #writes: Writes
  readonly #methods: Methods
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #texts: string[] = []
  #rest: Buffer | undefined
  readonly #flush = (): void => this.#write()

  constructor(socket: Socket, writes: Writes, methods: Methods) {
    this.#socket = socket
    this.#writes = writes
    this.#methods = methods
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('close', () => this.#failAll('the connection has closed'))
    socket.on('error', () => socket.destroy())
  }

  call(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiting.set(id, { resolve, reject })
      this.#post({ jsonrpc: '2.0', id, method, params })
    })
  }

  notify(method: string, ...params: readonly unknown[]): void {
    this.#post({ jsonrpc: '2.0', method, params })
  }

  #post(message: Message): void {
    const count = this.#texts.push(JSON.stringify(message))
    if (this.#writes === 'each') this.#write()
    else if (count === 1) process.nextTick(this.#flush)
  }

  #write(): void {
    const texts = this.#texts
    this.#texts = []
    let size = 0
    for (const text of texts) size += HEAD_BYTES + Buffer.byteLength(text)
    const bytes = Buffer.allocUnsafe(size)
    let at = 0
    for (const text of texts) {
      const length = bytes.write(text, at + HEAD_BYTES)
      bytes.writeUInt32BE(length, at)
      at += HEAD_BYTES + length
    }
    this.#socket.write(bytes)
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + bytes.readUInt32BE(at)
      if (end > bytes.length) break
      this.#take(JSON.parse(bytes.toString('utf8', at + HEAD_BYTES, end)) as Message)
      at = end
    }
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at)
  }

  #take(message: Message): void {
    if (message.method === undefined) this.#answered(message)
    else if (message.id === undefined) this.#run(message)
    else void this.#answer(message)
  }

  #run({ method = '', params = [] }: Message): unknown {
    const run = this.#methods[method]
    if (run === undefined) throw new Error(`Cannot find method '${method}'`)
    return run(...(params as never[]))
  }

  async #answer(message: Message): Promise<void> {
    const head = { jsonrpc: '2.0', id: message.id! } as const
    try {
      this.#post({ ...head, result: await this.#run(message) })
    } catch (error) {
      this.#post({ ...head, error: { code: -32000, message: String(error) } })
    }
  }

  #answered({ id = 0, result, error }: Message): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error.message))
  }

  #failAll(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(reason))
    this.#waiting.clear()
  }
}
