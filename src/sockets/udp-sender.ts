/** Sending from a UDP socket: to whom, what is refused, who waits until all has left. */
import { checkBytes, checkInteger } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { DATAGRAM_BYTES_MAX } from '../base/limits.ts'
import { DatagramWriter } from '../net/client/datagram-writer.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { UdpAddress } from '../net/udp-address.ts'
import { compactAddress } from '../os/compact.ts'
import { Repeats } from '../service/repeats.ts'
import { checkWait, type WaitOptions, wrongWait } from '../service/wait-options.ts'
import { Drains } from './drains.ts'
import type { SocketLife } from './socket-life.ts'
import { bytesOfPeer, checkPeer, findPeer } from './udp-peer.ts'

export class UdpSender {
  readonly #life: SocketLife
  readonly #family: 4 | 6
  readonly #writer: DatagramWriter
  readonly #refusals: Repeats
  #drains: Drains | undefined
  /** Where `send` goes. */
  peer: UdpAddress | undefined
  /** Datagrams that were not sent as too much waited already. */
  dropped = 0

  constructor(life: SocketLife, family: 4 | 6) {
    this.#life = life
    this.#family = family
    const { id, pool } = life
    const more = (count: number): string => `udp ${id}: ${count} more were refused`
    this.#refusals = new Repeats(pool.service, more, 'error')
    this.#writer = new DatagramWriter(pool.client, id, (errno) => {
      this.#refusals.say(`udp ${id}: sendto error ${pool.client.os.errorText(errno)}`)
    })
  }

  /** As `sendTo`, to the peer. */
  send(data: string | Uint8Array): boolean {
    if (this.peer !== undefined) return this.sendTo(this.peer, data)
    const reason = 'address first: it has no peer'
    throw new SkynetError('ERR_SOCKET_STATE', { id: this.#life.id, reason })
  }

  sendTo(to: UdpAddress | { host: string; port: number }, data: string | Uint8Array): boolean {
    const address = bytesOfPeer(to, this.#life.id, this.#family)
    checkBytes('send', 'data', data)
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    checkInteger('send', 'data.length', bytes.length, 0, DATAGRAM_BYTES_MAX)
    this.#life.checkOpen()
    const isTaken = this.#writer.send(bytes, address)
    if (!isTaken) this.dropped++
    return isTaken
  }

  async connect(endpoint: Endpoint | UdpAddress, options: WaitOptions | undefined): Promise<void> {
    const checked = checkPeer('connect', endpoint)
    checkWait('connect', options)
    const { id, pool } = this.#life
    const address = await findPeer(pool, checked, this.#family, options)
    this.#life.checkOpen()
    this.peer = UdpAddress.of(address.host, address.port)
    // What was sent before goes to the former peer.
    this.#writer.flush()
    pool.client.order('peer', id, 0, 0, compactAddress(address, this.#family))
  }

  drain(options: WaitOptions | undefined): Promise<void> {
    const wrong = wrongWait('drain', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    this.#writer.flush()
    const { id, stage, pool } = this.#life
    if (stage === 'closed' || pool.client.slots.pendingOf(id) === 0) return Promise.resolve()
    this.#drains ??= new Drains(this.#life)
    return this.#drains.wait(options)
  }

  /** Hand on what was sent in this turn. */
  flush(): void {
    this.#writer.flush()
  }

  /** @param sign Of a DRAIN event. */
  drained(sign: number): void {
    this.#drains?.answered(sign)
  }

  /** Nothing more will leave: who waits for it is told why. */
  fail(): void {
    this.#drains?.reject(this.#life.failure)
  }
}
