/** Nodes in one thread whose borders meet in memory. */
import { setImmediate } from '../base/event-loop.ts'
import { defineService } from '../skynet/define-service.ts'
import { Skynet } from '../skynet/skynet.ts'
import { type TestNode, type TestNodeOptions, testNode } from '../testing/test-node.ts'
import { isAnswerType } from '../wire/ptype.ts'
import type { BorderOwners, ClusterBorder } from './border.ts'
import type { PeerAddress } from './core/transport.ts'
import { borderOn } from './on-worker.ts'
import type { BorderLinks, Unposted } from './outgoing.ts'
import type { Packed } from './packed.ts'
import type { RemoteKey } from './peer.ts'

interface InFlight {
  readonly from: Member
  readonly to: Member
  readonly message: Packed
}

interface Member {
  readonly address: PeerAddress
  readonly node: TestNode
  readonly border: ClusterBorder
  /** Requests that wait for their answers: `source session` → which peer. */
  readonly open: Map<string, readonly [peer: Member, source: number, session: number]>
}

export const CALL_TIMEOUT_MS = 10_000

/** Joins borders as links do: in order, each message once, or the link is reset. */
export class MemoryCluster implements AsyncDisposable {
  readonly #members = new Map<string, Member>()
  readonly #flying: InFlight[] = []
  /** What was posted, if a test wants to see or to refuse it. */
  onPost: ((message: Packed, from: string, to: string) => Unposted | undefined) | undefined
  /** What is one in the cluster: for all nodes alike. */
  owners: BorderOwners = {
    ownerOf: () => undefined,
    accepts: () => true,
    current: () => undefined,
  }
  /** Why the store is out of reach, for all nodes alike. */
  storeLost: unknown
  #isDelivering = false

  async add(
    name: string,
    options: TestNodeOptions & { proxiesMax?: number } = {},
  ): Promise<TestNode> {
    const { proxiesMax, ...rest } = options
    const node = await testNode(rest)
    const address = { node: name, epoch: 7 + this.#members.size }
    const links: BorderLinks = {
      queueBytesMax: 8,
      post: (to, message) => this.#post(name, to, message),
    }
    let border!: ClusterBorder
    const cluster = defineService((skynet) => {
      const { owners } = this
      const storeLost = () => this.storeLost
      const given = { self: address, links, callTimeoutMs: CALL_TIMEOUT_MS, owners, storeLost }
      border = borderOn(skynet, proxiesMax === undefined ? given : { ...given, proxiesMax })
    })
    await node.launch(cluster)
    // As the config of a node says it.
    Object.assign(serviceOf(node.skynet).runtime, { clusterNode: name })
    const member: Member = { address, node, border, open: new Map() }
    for (const other of this.#members.values()) {
      border.peerUp(other.address)
      other.border.peerUp(address)
    }
    this.#members.set(name, member)
    return node
  }

  /** Requests of that node that have no answer: who has asked, and its session. */
  *open(name: string): Iterable<readonly [source: number, session: number]> {
    for (const [, source, session] of this.#members.get(name)!.open.values()) {
      yield [source, session]
    }
  }

  border(name: string): ClusterBorder {
    return this.#members.get(name)!.border
  }

  /** Handle, on the node `at`, of a service of `node`. */
  handle(at: string, node: string, key: RemoteKey): number {
    const { address } = this.#members.get(node)!
    const { border } = this.#members.get(at)!
    return border.handleFor(border.peer(address)!, key)
  }

  #post(from: string, { node, epoch }: PeerAddress, message: Packed): Unposted | undefined {
    const here = this.#members.get(from)
    const there = this.#members.get(node)
    if (here === undefined || there === undefined || there.address.epoch !== epoch) return 'down'
    const unposted = this.onPost?.(message, from, node)
    if (unposted !== undefined) return unposted
    const { bytes, at, length, session, source, type } = message
    const copied = Buffer.from(bytes.subarray(at, at + length))
    const kept = { ...fields(message), bytes: copied, at: 0, length }
    const isAnswer = isAnswerType(type)
    if (session !== 0 && !isAnswer) {
      here.open.set(`${source} ${session}`, [there, source, session])
    }
    this.#flying.push({ from: here, to: there, message: kept })
    if (!this.#isDelivering) {
      this.#isDelivering = true
      setImmediate(() => this.#deliver())
    }
    return undefined
  }

  #deliver(): void {
    this.#isDelivering = false
    for (const { from, to, message } of this.#flying.splice(0)) {
      const { type, session } = message
      const peer = to.border.peer(from.address)
      if (isAnswerType(type)) {
        const key = `${message.to} ${session}`
        // A link knows what was asked over it, and nothing of the others.
        if (to.open.get(key)?.[0] !== from) continue
        to.open.delete(key)
      }
      if (peer !== undefined) to.border.deliver(peer, message)
    }
  }

  /** The links between two are reset: what is in flight is lost, and a new one begins. */
  reset(one: string, other: string): void {
    const [a, b] = [this.#members.get(one)!, this.#members.get(other)!]
    const isBetween = (x: Member, y: Member): boolean =>
      (x === a && y === b) || (x === b && y === a)
    const left = this.#flying.filter(({ from, to }) => !isBetween(from, to))
    this.#flying.splice(0, Number.POSITIVE_INFINITY, ...left)
    for (const [near, far] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#lose(near, far)
      const peer = near.border.peer(far.address)
      if (peer !== undefined) near.border.linkBegan(peer)
    }
  }

  #lose(near: Member, far: Member): void {
    for (const [key, [peer, source, session]] of near.open) {
      if (peer !== far) continue
      near.open.delete(key)
      near.border.lost(far.address, source, session, 'maybe', 'node')
    }
  }

  /** A node is dead, and all others know. */
  async kill(name: string): Promise<void> {
    const dead = this.#members.get(name)!
    this.#members.delete(name)
    for (const each of this.#members.values()) {
      this.#lose(each, dead)
      each.border.peerDown(dead.address)
    }
    await dead.node.stop()
  }

  /** Nothing is under way any more. */
  async settled(): Promise<void> {
    do {
      await new Promise((resolve) => setImmediate(resolve))
      for (const { node } of this.#members.values()) await node.settled()
    } while (this.#flying.length > 0 || this.#isDelivering)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { node } of this.#members.values()) await node.stop()
  }
}

const fields = ({ type, to, source, session, ms }: Packed) => ({ type, to, source, session, ms })

export const serviceOf = (skynet: Skynet) => Skynet.serviceOf(skynet)
