/** Stands between clients of KCP and their server: loses, doubles, holds and makes packets. */
import type { Skynet } from '../../skynet/skynet.ts'
import type { Datagram, UdpSocket } from '../../sockets/udp-socket.ts'

type Address = Datagram['from']
export type Direction = 'up' | 'down'

/** What becomes of a packet: how many of it go on. */
export type Fate = (packet: Buffer, direction: Direction) => number

interface Client {
  /** Which the server takes for its own. */
  socket: UdpSocket
  readonly address: Address
  /** The last packet of each direction that belongs to a conversation. */
  readonly last: { up?: Buffer; down?: Buffer }
}

const CONVERSATION = 0x10
const HEAD_BYTES = 13

export class Relay implements AsyncDisposable {
  /** Clients connect to it. */
  readonly port: number
  fate: Fate = () => 1
  /** Bytes and packets that have come, by direction. */
  readonly counted = { up: 0, down: 0, upPackets: 0, downPackets: 0 }
  readonly #skynet: Skynet
  readonly #front: UdpSocket
  readonly #server: { readonly host: string; readonly port: number }
  readonly #clients = new Map<string, Client>()

  private constructor(skynet: Skynet, front: UdpSocket, serverPort: number) {
    this.#skynet = skynet
    this.#front = front
    this.#server = { host: '127.0.0.1', port: serverPort }
    this.port = front.port
    skynet.fork(async () => {
      for await (const { data, from } of front) await this.#up(data, from)
    })
  }

  static async start(skynet: Skynet, serverPort: number): Promise<Relay> {
    return new Relay(skynet, await skynet.socket.udp({ host: '127.0.0.1', port: 0 }), serverPort)
  }

  async #up(data: Buffer, from: Address): Promise<void> {
    const client = this.#clients.get(from.toString()) ?? (await this.#add(from))
    this.#count(data, 'up')
    if (data[0]! >= CONVERSATION) client.last.up = data
    for (let i = this.fate(data, 'up'); i > 0; i--) client.socket.sendTo(this.#server, data)
  }

  async #add(address: Address): Promise<Client> {
    const client: Client = { socket: await this.#open(), address, last: {} }
    this.#clients.set(address.toString(), client)
    this.#listen(client)
    return client
  }

  #open(): Promise<UdpSocket> {
    return this.#skynet.socket.udp({ host: '127.0.0.1', port: 0 })
  }

  #listen(client: Client): void {
    const { socket } = client
    this.#skynet.fork(async () => {
      for await (const { data } of socket) {
        this.#count(data, 'down')
        if (data[0]! >= CONVERSATION) client.last.down = data
        for (let i = this.fate(data, 'down'); i > 0; i--) this.#front.sendTo(client.address, data)
      }
    })
  }

  #count({ length }: Buffer, direction: Direction): void {
    this.counted[direction] += length
    this.counted[`${direction}Packets`]++
  }

  /** From now on the server sees the clients at other addresses. */
  async move(): Promise<void> {
    for (const client of this.#clients.values()) {
      const before = client.socket
      client.socket = await this.#open()
      this.#listen(client)
      await before.close()
    }
  }

  /** Something that one side would say: as it sees all, it has the tokens of all. */
  forge(direction: Direction, make: (head: Buffer) => Buffer): void {
    for (const { socket, address, last } of this.#clients.values()) {
      const packet = last[direction]
      if (packet === undefined) continue
      const forged = make(Buffer.from(packet.subarray(0, HEAD_BYTES)))
      if (direction === 'up') socket.sendTo(this.#server, forged)
      else this.#front.sendTo(address, forged)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#front.close()
    for (const { socket } of this.#clients.values()) await socket.close()
  }
}
