/**
 * A peer in C: a program around `ikcp` that SKYNET_IKCP names, where there is one. It is told a
 * line at a time, and answers each with lines of which the last is `ok`:
 *
 *     new conv nodelay interval resend nc sndwnd rcvwnd mtu stream
 *     send hex | input hex | recv | update ms
 *
 * `out hex` is a packet that it sends, `msg hex` a message that has come, `none`: there is none.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { KcpSettings } from '../../src/transport/kcp/core.ts'

const PROGRAM = process.env.SKYNET_IKCP ?? ''

export const IKCP_LEFT_OUT =
  'left out: peers in C: SKYNET_IKCP=<program around ikcp, see test/support/ikcp.ts> npm run long'

export const isIkcpThere = (): boolean => PROGRAM !== '' && existsSync(PROGRAM)

export class Ikcp implements AsyncDisposable {
  /** Packets that it has sent, and nobody has taken. */
  packets: Buffer[] = []
  readonly messages: Buffer[] = []
  readonly #process: ChildProcessByStdio<Writable, Readable, null>
  readonly #waiting: (() => void)[] = []

  constructor(conv: number, settings: KcpSettings) {
    this.#process = spawn(PROGRAM, [], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#hear(line))
    const { noDelay, intervalMs, fastResend, isPolite, sendWindow, receiveWindow, mtu } = settings
    const numbers = [conv, noDelay, intervalMs, fastResend, isPolite ? 0 : 1]
    void this.#tell(`new ${[...numbers, sendWindow, receiveWindow, mtu, 0].join(' ')}`)
  }

  #hear(line: string): void {
    const [what, hex = ''] = line.split(' ')
    if (what === 'ok') this.#waiting.shift()?.()
    else if (what === 'out') this.packets.push(Buffer.from(hex, 'hex'))
    else if (what === 'msg') this.messages.push(Buffer.from(hex, 'hex'))
  }

  #tell(line: string): Promise<void> {
    this.#process.stdin.write(`${line}\n`)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  send(message: Buffer): Promise<void> {
    return this.#tell(`send ${message.toString('hex')}`)
  }

  /** And take all messages that are whole then. */
  async input(packet: Buffer): Promise<void> {
    await this.#tell(`input ${packet.toString('hex')}`)
    for (let had = -1; had < this.messages.length; ) {
      had = this.messages.length
      await this.#tell('recv')
    }
  }

  update(now: number): Promise<void> {
    return this.#tell(`update ${now >>> 0}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL')
  }
}
