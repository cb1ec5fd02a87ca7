/** A byte stream that stands on another, the least that does something: each byte is masked. */
import type { ByteStream, WaitOptions } from 'skynet-ts'

const MASK = 0x5a

function masked<T extends Uint8Array>(bytes: T): T {
  for (let i = 0; i < bytes.length; i++) bytes[i]! ^= MASK
  return bytes
}

export class MaskedStream implements ByteStream {
  readonly #below: ByteStream

  constructor(below: ByteStream) {
    this.#below = below
  }

  get remoteAddress(): string {
    return this.#below.remoteAddress
  }

  get isOpen(): boolean {
    return this.#below.isOpen
  }

  get bufferedAmount(): number {
    return this.#below.bufferedAmount
  }

  read(count?: undefined, options?: WaitOptions): Promise<Buffer | null>
  read(count: number, options?: WaitOptions): Promise<Buffer>
  async read(count?: number, options?: WaitOptions): Promise<Buffer | null> {
    const bytes = await this.#below.read(count as undefined, options)
    // What was read is ours: it need not be copied.
    return bytes && masked(bytes)
  }

  write(data: string | Uint8Array): boolean {
    const isText = typeof data === 'string'
    const isRight = isText || data instanceof Uint8Array
    return this.#below.write(isRight ? masked(Buffer.from(data as Uint8Array)) : data)
  }

  drain(options?: WaitOptions): Promise<void> {
    return this.#below.drain(options)
  }

  end(): void {
    this.#below.end()
  }

  close(options?: WaitOptions): Promise<void> {
    return this.#below.close(options)
  }

  hold(isSealed?: boolean): void {
    this.#below.hold?.(isSealed)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, void> {
    for await (const bytes of this.#below) yield masked(bytes)
    return undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
