/**
 * Entry of the process with the well-behaved clients. Each sends a few lines, waits for all the
 * answers, compares every byte, and rests a while. They are of node:net: somebody else's code.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '../../../bench/support/serve.ts'
import { Latency, type Spread } from './spread.ts'

export interface ControlPlan {
  readonly port: number
  readonly clients: number
  /** Rest between two bursts of a client. */
  readonly restMs: number
  readonly lineBytesMax: number
}

export interface ControlResult {
  readonly sent: number
  readonly answered: number
  /** What went wrong, one line each. */
  readonly faults: readonly string[]
  readonly latency: Spread
  /** How late this process itself was at the 99th percentile: part of the latency. */
  readonly ownDelayMs: number
}

const LINES_MAX = 4
/** For what must come, however slow the machine is. */
const ANSWER_MS_MAX = 30_000
const CONNECTING_MAX = 100

const latency = new Latency()
const ownDelay = monitorEventLoopDelay()
ownDelay.enable()
let clients: Promise<void>[] = []
let faults: string[] = []
let sent = 0
let answered = 0
let isStopping = false

serve({
  start: async (plan: ControlPlan) => {
    isStopping = false
    faults = []
    sent = 0
    answered = 0
    latency.clear()
    clients = []
    while (clients.length < plan.clients) {
      const count = Math.min(CONNECTING_MAX, plan.clients - clients.length)
      const some = Array.from({ length: count }, (_, i) => dial(plan, clients.length + i))
      for (const socket of await Promise.all(some)) clients.push(talk(socket, plan))
    }
  },
  forgetLatency: () => {
    latency.clear()
    ownDelay.reset()
  },
  stop: async (): Promise<ControlResult> => {
    isStopping = true
    await Promise.all(clients)
    const ownDelayMs = ownDelay.percentile(99) / 1e6
    return { sent, answered, faults, latency: latency.spread(), ownDelayMs }
  },
})

async function dial({ port }: ControlPlan, number: number): Promise<[Socket, number]> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  return [socket, number]
}

async function talk([socket, number]: [Socket, number], plan: ControlPlan): Promise<void> {
  const answers = new Answers(socket)
  try {
    for (let burst = 0; !isStopping; burst++) {
      const count = 1 + ((burst + number) % LINES_MAX)
      const lines = Array.from({ length: count }, (_, i) => line(number, burst * 10 + i, plan))
      const startedAt = performance.now()
      sent += count
      const expected = Buffer.from(lines.join(''))
      socket.write(expected)
      const got = await answers.take(expected.length)
      if (!got.equals(expected)) throw new Error(`got ${got.length} bytes that were not sent`)
      latency.add(performance.now() - startedAt)
      answered += count
      await sleep(plan.restMs * (0.5 + Math.random()))
    }
    socket.end()
    await answers.end()
  } catch (error) {
    faults.push(`client ${number}: ${(error as Error).message}`)
    socket.destroy()
  }
}

/** Its number, and filler of a length that differs from line to line. */
function line(client: number, number: number, { lineBytesMax }: ControlPlan): string {
  const head = `${client}:${number} `
  return `${head}${'.'.repeat((number * 7919 + client * 104_729) % lineBytesMax)}\n`
}

class Answers {
  readonly #socket: Socket
  #chunks: Buffer[] = []
  #length = 0
  #error: Error | undefined
  #hasEnded = false
  #look: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk as Buffer)
      this.#length += chunk.length
      this.#look()
    })
    socket.on('error', (error) => this.#over(error))
    socket.on('end', () => this.#over())
    socket.on('close', () => this.#over())
  }

  #over(error?: Error): void {
    this.#error ??= error
    this.#hasEnded = true
    this.#look()
  }

  /** Exactly so many bytes. */
  async take(count: number): Promise<Buffer> {
    await this.#until(() => this.#length >= count, `${count} bytes`)
    const all = Buffer.concat(this.#chunks)
    this.#chunks = all.length > count ? [all.subarray(count)] : []
    this.#length -= count
    return all.subarray(0, count)
  }

  /** Nothing but the end. */
  async end(): Promise<void> {
    await this.#until(() => this.#socket.readableEnded, 'the end')
    if (this.#length > 0) throw new Error(`${this.#length} bytes came that were not asked for`)
  }

  async #until(isThere: () => boolean, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (why: string): void => {
          reject(new Error(`${why} instead of ${what}, after ${this.#length} bytes`))
        }
        timer = setTimeout(() => fail(`${ANSWER_MS_MAX / 1000} s of silence`), ANSWER_MS_MAX)
        this.#look = () => {
          if (isThere()) resolve()
          else if (this.#error !== undefined) fail(this.#error.message)
          else if (this.#hasEnded) fail('the end')
        }
        this.#look()
      })
    } finally {
      clearTimeout(timer)
      this.#look = () => {}
    }
  }
}
