/** The example of the gate, and what was captured of Skynet's. */
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { startTestNode, type TestNode } from './node.ts'
import { until } from './until.ts'

const CONFIG = new URL('../../examples/gate/skynet.config.ts', import.meta.url)
const VECTORS = new URL('../../../test/vectors/gate.json', import.meta.url)
/** Of the example without clients: logger, service manager, main, simpledb, watchdog, gate. */
const SERVICES = 6

export interface Sent {
  readonly hex?: string
  /** Bytes, and how often they come. */
  readonly hexRle?: readonly (readonly [hex: string, times: number])[]
}

export interface CapturedExample {
  readonly requestBytesWithoutLength: Readonly<Record<'handshake' | 'set' | 'get' | 'quit', string>>
  readonly exampleClient: readonly {
    readonly dir: 'c2s' | 's2c'
    readonly t: number
    readonly hex?: string
  }[]
  readonly exampleGateRaw: readonly {
    readonly label: string
    readonly sent?: readonly Sent[]
    readonly received?: string
    readonly state?: string
  }[]
}

export const captured = JSON.parse(readFileSync(VECTORS, 'utf8')) as CapturedExample

export const bytesOf = ({ hex = '', hexRle = [[hex, 1]] }: Sent): Buffer =>
  Buffer.concat(
    hexRle.map(([bytes, times]) => {
      const one = Buffer.from(bytes, 'hex')
      return Buffer.alloc(one.length * times, one)
    }),
  )

export interface GateExample extends TestNode {
  readonly port: number
  /** Wait until only the services are there that are there without clients. */
  isQuiet(): Promise<unknown>
}

/** Start the example on a port of the system's choice. */
export async function startGateExample(t: TestContext): Promise<GateExample> {
  const test = await startTestNode(t, CONFIG, ['env.PORT=0', 'thread=2'])
  const [, port] = await test.logged(/the gate listens on 127\.0\.0\.1:(\d+)/)
  const isQuiet = (): Promise<unknown> =>
    until('the end of all agents', () => test.node.stats().services === SERVICES)
  await isQuiet()
  return Object.assign(test, { port: Number(port), isQuiet })
}
