/** The example with the sheet, and who comes to it by text. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { freePorts } from './free-port.ts'
import { startTestNode, type TestNode } from './node.ts'
import { until } from './until.ts'

const CONFIG = new URL('../../examples/web/skynet.config.ts', import.meta.url)
const HOST = '127.0.0.1'

export interface WebExample {
  readonly node: TestNode
  readonly page: string
  readonly tcpPort: number
  readonly linePort: number
}

export async function startWebExample(t: TestContext): Promise<WebExample> {
  const port = await freePorts(3)
  const [tcpPort, linePort] = [port + 1, port + 2]
  const ports = { PORT: port, TCP_PORT: tcpPort, LINE_PORT: linePort }
  const overrides = Object.entries(ports).map(([name, value]) => `env.${name}=${value}`)
  const node = await startTestNode(t, CONFIG, overrides)
  return { node, page: `http://${HOST}:${port}/`, tcpPort, linePort }
}

/** Somebody with `nc`. */
export class LineGuest {
  readonly socket: Socket
  text = ''

  private constructor(port: number) {
    this.socket = connect({ port, host: HOST })
    this.socket.setEncoding('utf8').on('data', (text: string) => {
      this.text += text
    })
    this.socket.on('error', () => {})
  }

  static async open(t: TestContext, port: number): Promise<LineGuest> {
    const guest = new LineGuest(port)
    t.after(() => guest.socket.destroy())
    await once(guest.socket, 'connect')
    await guest.hears(/quit\n/)
    return guest
  }

  /** Say a line, and wait for what is like that. */
  async asks(line: string, pattern: RegExp): Promise<RegExpExecArray> {
    this.text = ''
    this.socket.write(`${line}\n`)
    return this.hears(pattern)
  }

  hears(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`a line like ${pattern}`, () => pattern.exec(this.text))
  }
}
