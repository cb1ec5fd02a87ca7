/** Somebody who shows his cookie, is given a conversation, and never confirms it. */
import { randomBytes } from 'node:crypto'
import type { HalfClient } from '../../skynet/client-transport.suite.ts'
import type { Skynet } from '../../skynet/skynet.ts'
import type { UdpSocket } from '../../sockets/udp-socket.ts'
import {
  type Agreement,
  closeBytes,
  GREETING_NONCE_BYTES,
  kcpHelloBytes,
  openBytes,
  PACKET_KIND,
  readServerAnswer,
} from './packets.ts'

export class HalfConversation implements HalfClient {
  readonly ended: Promise<unknown>
  readonly agreed: Agreement
  readonly #socket: UdpSocket

  private constructor(socket: UdpSocket, agreed: Agreement) {
    this.#socket = socket
    this.agreed = agreed
    this.ended = this.#end()
  }

  static async begin(skynet: Skynet, port: number): Promise<HalfConversation> {
    const socket = await skynet.socket.udpDial({ host: '127.0.0.1', port })
    const nonce = randomBytes(GREETING_NONCE_BYTES)
    socket.send(kcpHelloBytes(nonce))
    for (;;) {
      const { data } = (await socket.receive())!
      const answer = readServerAnswer(data, nonce)
      if (answer?.kind === 'cookie') socket.send(openBytes(nonce, answer.cookie, 1200))
      else if (answer?.kind === 'accept') return new HalfConversation(socket, answer.agreed)
      else throw new Error(`no conversation: ${data.toString('hex')}`)
    }
  }

  async #end(): Promise<void> {
    for await (const { data } of this.#socket) if (data[0] === PACKET_KIND.close) return
  }

  leave(): void {
    const { up, conv } = this.agreed
    this.#socket.send(closeBytes(up, conv, { sentUpTo: 0, code: 0, reason: '' }))
  }
}
