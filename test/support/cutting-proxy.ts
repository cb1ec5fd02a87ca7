/**
 * A way to a TCP server that can be stalled, slowed and cut: at a byte, by chance, or whenever a
 * test wants. Bytes that wait in it are seen by no end of the connection.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { below, type Random, seeded } from './seed.ts'

/** From the client to the server, or back. */
export type Way = 'up' | 'down'
const WAYS = ['up', 'down'] as const

/** Pieces of a slow way leave so often. */
const SLOW_STEP_MS = 10

interface Link {
  readonly near: Socket
  readonly far: Socket
  /** Bytes that have come down it. */
  downBytes: number
}

interface Stall {
  readonly isOver: Promise<void>
  end(): void
}

function stall(): Stall {
  let end!: () => void
  const isOver = new Promise<void>((resolve) => {
    end = resolve
  })
  return { isOver, end }
}

export interface CuttingOptions {
  /** Chances follow from it, in the order in which bytes come. */
  readonly seed?: number
  /** 0..1: that a connection is cut within a chunk that the server sends. */
  readonly cutChance?: number
  /** Each connection is cut once so many bytes have come down it. */
  readonly cutAtByte?: number
  /** Of each connection, each way. */
  readonly bytesPerSecond?: number
}

export class CuttingProxy implements AsyncDisposable {
  cutChance: number
  cutAtByte: number
  bytesPerSecond: number
  /** Connections that were cut here. */
  cuts = 0
  readonly #server: Server
  #random: Random
  readonly #links = new Set<Link>()
  /** While a way is stalled. */
  readonly #stalls: Partial<Record<Way, Stall>> = {}
  #isDown = false

  private constructor(port: number, options: CuttingOptions) {
    this.cutChance = options.cutChance ?? 0
    this.cutAtByte = options.cutAtByte ?? Number.POSITIVE_INFINITY
    this.bytesPerSecond = options.bytesPerSecond ?? Number.POSITIVE_INFINITY
    this.#random = seeded(options.seed ?? 1)
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
      if (this.#isDown) near.resetAndDestroy()
      else this.#join(near, port)
    })
  }

  static async to(port: number, options: CuttingOptions = {}): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(port, options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Chances follow from that seed from now on. */
  reseed(seed: number): void {
    this.#random = seeded(seed)
  }

  /** Connections that go through it now. */
  get links(): number {
    return this.#links.size
  }

  /** Nothing passes, both ways or one, and nobody is told. */
  stall(ways: readonly Way[] = WAYS): void {
    for (const way of ways) this.#stalls[way] ??= stall()
  }

  /** What has waited goes on. */
  release(): void {
    for (const way of WAYS) {
      this.#stalls[way]?.end()
      delete this.#stalls[way]
    }
  }

  /** Break every connection, by RST. */
  cut(): void {
    for (const link of this.#links) this.#cut(link)
  }

  /** The network is gone: every connection breaks, and no other is made until `up`. */
  down(): void {
    this.#isDown = true
    this.cut()
  }

  up(): void {
    this.#isDown = false
  }

  #join(near: Socket, port: number): void {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const link: Link = { near, far, downBytes: 0 }
    this.#links.add(link)
    // Who reads or writes is told. Of an end that has ended nobody reads, and it may break yet.
    for (const end of [near, far]) end.on('error', () => {})
    const whole = Promise.all([this.#carry(link, 'up'), this.#carry(link, 'down')])
    void whole
      .catch(() => {})
      .finally(() => {
        this.#links.delete(link)
        near.destroy()
        far.destroy()
      })
  }

  /** Carry bytes one way up to the end of it. Rejects when either end has broken. */
  async #carry(link: Link, way: Way): Promise<void> {
    const [from, to] = way === 'up' ? [link.near, link.far] : [link.far, link.near]
    // The end of one way is not that of the other.
    const chunks: AsyncIterable<Buffer> = from.iterator({ destroyOnReturn: false })
    for await (const chunk of chunks) {
      await this.#stalls[way]?.isOver
      const passes = way === 'down' ? this.#passing(link, chunk.length) : chunk.length
      await this.#write(to, chunk.subarray(0, passes))
      if (way === 'down') link.downBytes += passes
      if (passes < chunk.length || link.downBytes >= this.cutAtByte) this.#cut(link)
    }
    await this.#stalls[way]?.isOver
    to.end()
  }

  /** How many of so many bytes come down before the connection is cut: all, when it is not. */
  #passing({ downBytes }: Link, length: number): number {
    const byChance = this.#random() < this.cutChance ? below(this.#random, length) : length
    return Math.min(byChance, Math.max(0, this.cutAtByte - downBytes))
  }

  async #write(to: Socket, bytes: Buffer): Promise<void> {
    const step = Math.max(1, Math.floor((this.bytesPerSecond * SLOW_STEP_MS) / 1000))
    for (let at = 0; at < bytes.length; at += step) {
      const piece = bytes.subarray(at, at + step)
      await new Promise<void>((resolve, reject) =>
        to.write(piece, (error) => (error ? reject(error) : resolve())),
      )
      if (step < bytes.length) await new Promise((resolve) => setTimeout(resolve, SLOW_STEP_MS))
    }
  }

  #cut(link: Link): void {
    if (!this.#links.delete(link)) return
    this.cuts++
    link.near.resetAndDestroy()
    link.far.resetAndDestroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
    for (const { near, far } of this.#links) {
      near.destroy()
      far.destroy()
    }
    this.#server.close()
    await once(this.#server, 'close')
  }
}
