/**
 * What nodes write into the store, and the beats that they send: bytes and back. Values are JSON,
 * so that people can read them there; each has its version. What cannot be read is undefined:
 * another program, or a later version, has written it.
 */
import { CLUSTER_NAME_BYTES_MAX } from '../../base/limits.ts'
import type { StoreEntry } from './store.ts'
import type { NodeRecord, PeerAddress } from './transport.ts'

export const NODE_KEY = 'node.'
export const NAME_KEY = 'name.'

/**
 * Of one owner of a name: the era and the revision at which it became the owner. Later is higher.
 */
export type FenceToken = readonly [era: number, revision: number]

/** Which of two tokens is later: below 0, 0, above 0, as for `sort`. */
export const compareTokens = (one: FenceToken, other: FenceToken): number =>
  one[0] - other[0] || one[1] - other[1]

/** What stands under `node.<name>`: a node that lives, or the decision that this epoch is dead. */
export interface StoredNode extends NodeRecord {
  /** Given by chance to each start of a process: by it one knows its own writes. */
  readonly instance: number
  /** The tombstone: who has written it. */
  readonly deadBy: string | undefined
}

/** What stands under `name.<name>`. */
export interface NameOwner extends PeerAddress {
  /** The service, in the words of its node; 0: it is being launched. */
  readonly id: number
  readonly token: FenceToken
}

/** What a node says each sixth of a lease. */
export interface Beat extends PeerAddress {
  /** By the clock of its sender, who recognises its echo by it. */
  readonly sentAt: number
}

/** How many revisions a store may give in a millisecond and be sure of its epochs. */
const REVISIONS_PER_MS = 2048

/**
 * The epoch of who has joined by that write. An era is the time at which the store began to
 * remember, in milliseconds, and revisions begin again in each: together they are given once.
 */
export const epochOf = (era: number, revision: number): number =>
  Math.floor(era) * REVISIONS_PER_MS + revision

const VERSION = 1
const text = new TextDecoder('utf-8', { fatal: true })
const bytes = new TextEncoder()

/** @param epoch 0: that which the write itself gives. */
export function encodeNode(node: StoredNode): Uint8Array {
  const { addresses, protocol, build, isDraining, instance, epoch, deadBy } = node
  const { min, max } = protocol
  const always = { v: VERSION, addresses, min, max, build, draining: isDraining, instance }
  return bytes.encode(JSON.stringify({ ...always, epoch: epoch || undefined, deadBy }))
}

export function decodeNode(entry: StoreEntry, era: number): StoredNode | undefined {
  const value = parse(entry.value)
  if (value === undefined) return undefined
  const { addresses, min, max, build, draining, instance, epoch, deadBy } = value
  const isWhole = isStrings(addresses) && isCount(min) && isCount(max) && isCount(instance)
  if (!isWhole || typeof build !== 'string' || typeof draining !== 'boolean') return undefined
  if (epoch !== undefined && !isCount(epoch)) return undefined
  if (deadBy !== undefined && typeof deadBy !== 'string') return undefined
  return {
    node: entry.key.slice(NODE_KEY.length),
    epoch: epoch ?? epochOf(era, entry.revision),
    addresses,
    protocol: { min, max },
    build,
    isDraining: draining,
    instance,
    deadBy,
  }
}

/** @param token Undefined: that which the write itself gives. */
export function encodeOwner(owner: PeerAddress, id: number, token?: FenceToken): Uint8Array {
  const { node, epoch } = owner
  return bytes.encode(JSON.stringify({ v: VERSION, node, epoch, id, token }))
}

export function decodeOwner(entry: StoreEntry, era: number): NameOwner | undefined {
  const value = parse(entry.value)
  if (value === undefined) return undefined
  const { node, epoch, id, token } = value
  if (typeof node !== 'string' || !isCount(epoch) || !isCount(id)) return undefined
  if (token === undefined) return { node, epoch, id, token: [era, entry.revision] }
  return isToken(token) ? { node, epoch, id, token } : undefined
}

function parse(value: Uint8Array | undefined): Record<string, unknown> | undefined {
  if (value === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(text.decode(value))
    if (typeof parsed !== 'object' || parsed === null) return undefined
    const record = parsed as Record<string, unknown>
    return record.v === VERSION ? record : undefined
  } catch {
    return undefined
  }
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

const isToken = (value: unknown): value is FenceToken =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite)

/** Version, epoch, time, then the name of the node. Little endian. */
const BEAT = { version: 0, epoch: 1, sentAt: 9, node: 17 } as const

export function encodeBeat({ node, epoch, sentAt }: Beat): Uint8Array {
  const name = bytes.encode(node)
  const beat = new Uint8Array(BEAT.node + name.length)
  const view = new DataView(beat.buffer)
  view.setUint8(BEAT.version, VERSION)
  view.setFloat64(BEAT.epoch, epoch, true)
  view.setFloat64(BEAT.sentAt, sentAt, true)
  beat.set(name, BEAT.node)
  return beat
}

export function decodeBeat(beat: Uint8Array): Beat | undefined {
  const nameBytes = beat.length - BEAT.node
  if (nameBytes < 1 || nameBytes > CLUSTER_NAME_BYTES_MAX) return undefined
  const view = new DataView(beat.buffer, beat.byteOffset, beat.length)
  if (view.getUint8(BEAT.version) !== VERSION) return undefined
  const epoch = view.getFloat64(BEAT.epoch, true)
  const sentAt = view.getFloat64(BEAT.sentAt, true)
  if (!isCount(epoch) || !Number.isFinite(sentAt)) return undefined
  try {
    return { node: text.decode(beat.subarray(BEAT.node)), epoch, sentAt }
  } catch {
    return undefined
  }
}
