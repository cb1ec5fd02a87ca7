/**
 * Bare KCP at a port: every address is a conversation of the one number that all know. There is no
 * handshake, so nobody is who he seems, and no end but silence.
 */
import { Conversation, type ConversationHost } from './conversation.ts'
import { DueHeap } from './due-heap.ts'
import type { Dropped, KcpServerHost, KcpServerSettings } from './kcp-server.ts'
import type { Carrier, DatagramAddress } from './route.ts'
import { AT, read32, SEGMENT_COMMAND, SEGMENT_HEAD_BYTES } from './segment.ts'

export class BareServer implements ConversationHost {
  readonly dropped: Dropped = { unknown: 0, forged: 0, unproven: 0, malformed: 0 }
  readonly deadlines = new DueHeap<Conversation>()
  isClosed = false
  readonly #conv: number
  readonly #settings: KcpServerSettings
  readonly #carrier: Carrier
  readonly #host: KcpServerHost
  readonly #conversations = new Map<string, Conversation>()

  constructor(conv: number, settings: KcpServerSettings, carrier: Carrier, host: KcpServerHost) {
    this.#conv = conv
    this.#settings = settings
    this.#carrier = carrier
    this.#host = host
  }

  get size(): number {
    return this.#conversations.size
  }

  get isEmpty(): boolean {
    return this.#conversations.size === 0
  }

  get conversations(): IterableIterator<Conversation> {
    return this.#conversations.values()
  }

  packet(packet: Buffer, from: DatagramAddress, now: number): void {
    const conversation = this.#conversations.get(keyOf(from)) ?? this.#begin(packet, from, now)
    if (conversation === undefined) this.dropped.unknown++
    else if (!conversation.inputSegments(packet, now)) this.dropped.malformed++
  }

  #begin(packet: Buffer, from: DatagramAddress, now: number): Conversation | undefined {
    const isFull = this.size >= this.#settings.maxConnections
    if (this.isClosed || isFull || !isFirst(packet, this.#conv)) return undefined
    const visitor = this.#host.knocks(from)
    if (visitor === undefined) return undefined
    const ends = { conv: this.#conv, tokens: undefined, address: this.#carrier.kept(from) }
    const settings = { ...this.#settings, role: 'server' as const, keepAliveMs: 0 }
    const conversation = new Conversation(this, this.#carrier, ends, settings, now)
    this.#conversations.set(keyOf(from), conversation)
    visitor.begins(conversation)
    visitor.enters(conversation)
    return conversation
  }

  isDue(conversation: Conversation, at: number): void {
    if (this.#conversations.get(keyOf(conversation.route.address)) !== conversation) return
    this.deadlines.set(conversation, at)
  }

  isOpen(): void {}

  hasLeft(): void {}

  isOver(conversation: Conversation): void {
    this.#conversations.delete(keyOf(conversation.route.address))
    this.deadlines.remove(conversation)
    this.#host.isOver()
  }
}

const keyOf = ({ bytes }: DatagramAddress): string => Buffer.from(bytes).toString('latin1')

/** Does a conversation begin with it? Its first segment brings data. */
const isFirst = (packet: Buffer, conv: number): boolean =>
  packet.length >= SEGMENT_HEAD_BYTES &&
  read32(packet, AT.conv) === conv &&
  packet[AT.command] === SEGMENT_COMMAND.push
