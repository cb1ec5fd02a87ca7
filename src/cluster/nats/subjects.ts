/**
 * What a cluster is called in NATS. The sender of a frame stands in its subject, so a server that
 * knows what each node may publish (`skynet cluster permissions`) vouches for it.
 *
 *     sk.<cluster>.n.<to>.<epoch>.<from>.<epoch>          a frame
 *     sk.<cluster>.hb.<from>                              a beat, to all
 *     sk.<cluster>.i.<node>.…                             answers of servers, to us alone
 *     sk.<cluster>.i.<node>.r.<to>.<epoch>.<ticket>       one: nobody got a frame (503)
 *     KV bucket sk_<cluster>                              what was decided
 */
import type { PeerAddress } from '../core/transport.ts'

/** A word of a user as one token: letters, digits, `_` and `-` stay, the rest is `=2E`. */
export function tokenOf(word: string): string {
  return word.replace(/[^\w-]/gu, (letter) =>
    Buffer.from(letter).toString('hex').toUpperCase().replace(/../g, '=$&'),
  )
}

export function wordOf(token: string): string {
  return token.replace(/(?:=[0-9A-F]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll('=', ''), 'hex').toString(),
  )
}

/** `node.a`: a key of the store as it is in the bucket, whose keys have no letters but these. */
export function bucketKeyOf(key: string): string {
  const dot = key.indexOf('.')
  return dot < 0 ? tokenOf(key) : `${tokenOf(key.slice(0, dot))}.${tokenOf(key.slice(dot + 1))}`
}

/** A bucket of keys and values is a stream of a certain name: NATS' own tools show it. */
export const bucketOf = (cluster: string): string => `sk_${tokenOf(cluster)}`
export const streamOf = (cluster: string): string => `KV_${bucketOf(cluster)}`

/** Places of the tokens, counted from 0. */
const FRAME = { from: 5, epoch: 6, count: 7 } as const
const REFUSAL = { to: 5, epoch: 6, ticket: 7, count: 8 } as const

/** Those that a node uses. `*` as a node or an epoch is any. */
export class Subjects {
  readonly beat: string
  readonly beats: string
  /** Answers to requests come to a subject that begins so. */
  readonly inboxPrefix: string
  readonly refusals: string
  readonly #all: string
  readonly #node: string

  constructor(cluster: string, node: string) {
    this.#all = `sk.${tokenOf(cluster)}`
    this.#node = tokenOf(node)
    this.beat = `${this.#all}.hb.${this.#node}`
    this.beats = `${this.#all}.hb.*`
    this.inboxPrefix = `${this.#all}.i.${this.#node}`
    this.refusals = `${this.inboxPrefix}.r.>`
  }

  /** Frames to us. */
  inbox(epoch: number | '*'): string {
    return `${this.#all}.n.${this.#node}.${epoch}.*.*`
  }

  frame(to: PeerAddress, epoch: number): string {
    return `${this.#all}.n.${tokenOf(to.node)}.${to.epoch}.${this.#node}.${epoch}`
  }

  /** All frames of ours, for permissions. */
  get frames(): string {
    return `${this.#all}.n.*.*.${this.#node}.*`
  }

  /** Where a server says that nobody got a frame; the ticket stands behind it. */
  refusal(to: PeerAddress): string {
    return `${this.inboxPrefix}.r.${tokenOf(to.node)}.${to.epoch}.`
  }

  /** Who has sent a frame to us, by its subject. */
  senderOf(subject: string): PeerAddress | undefined {
    if (!subject.startsWith(`${this.#all}.n.${this.#node}.`)) return undefined
    const tokens = subject.split('.')
    if (tokens.length !== FRAME.count) return undefined
    return peerOf(tokens[FRAME.from]!, tokens[FRAME.epoch]!)
  }

  /** Whose beat it is, by its subject. */
  beatOf(subject: string): string {
    return wordOf(subject.slice(this.beats.length - 1))
  }
}

/** Which frame nobody got, by the subject of the refusal. */
export function refusedOf(subject: string): { to: PeerAddress; ticket: number } | undefined {
  const tokens = subject.split('.')
  if (tokens.length !== REFUSAL.count) return undefined
  const to = peerOf(tokens[REFUSAL.to]!, tokens[REFUSAL.epoch]!)
  const ticket = Number(tokens[REFUSAL.ticket])
  return to === undefined || !Number.isSafeInteger(ticket) ? undefined : { to, ticket }
}

function peerOf(token: string, digits: string): PeerAddress | undefined {
  const epoch = Number(digits)
  return Number.isSafeInteger(epoch) && epoch > 0 ? { node: wordOf(token), epoch } : undefined
}
