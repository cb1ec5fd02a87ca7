/** Messages of services to other nodes that are lost, and nobody waits for: lines of the log. */
import { LINK_OVER_BYTES_MAX, LINK_QUEUE_BYTES_MAX } from '../base/limits.ts'
import type { LinkEnd } from './core/frame.ts'

const QUEUE_MIB = LINK_QUEUE_BYTES_MAX / 2 ** 20
const OVER_MIB = LINK_OVER_BYTES_MAX / 2 ** 20

/** Why a message did not even begin to wait. */
const LOSS = {
  full: `${QUEUE_MIB} MiB wait for it already`,
  down: 'it is not there',
  unsendable: 'no proxies are left for what they refer to',
} as const
export type LossReason = keyof typeof LOSS

/** Why what waited is dropped. */
const END: Readonly<Record<LinkEnd, string>> = {
  gap: 'a frame on its way was lost',
  refused: 'nobody listens there',
  cut: 'the connection was cut',
  suspect: 'it is not heard',
  malformed: 'it has sent what means nothing',
  credit: 'it has sent more than it may',
  version: 'it speaks no version in common',
  epoch: 'it has another epoch',
  peer: 'it has begun a new session',
  bye: 'it has left',
  closed: 'it is down, or this node has left',
  over: `it takes nothing, and ${OVER_MIB} MiB wait for it`,
}

const line = (count: number, node: string, reason: string): string =>
  `${count} ${count === 1 ? 'message' : 'messages'} to node ${node} did not leave: ${reason}`

export const dropLine = (count: number, node: string, why: LinkEnd): string =>
  line(count, node, END[why])

export class Losses {
  readonly #counts = new Map<string, Map<LossReason, number>>()

  add(node: string, reason: LossReason): void {
    const counts = this.#counts.get(node) ?? new Map<LossReason, number>()
    this.#counts.set(node, counts)
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }

  /** A line for each node and reason, since it was asked last. */
  take(): readonly string[] {
    const lines: string[] = []
    for (const [node, counts] of this.#counts) {
      for (const [reason, count] of counts) lines.push(line(count, node, LOSS[reason]))
    }
    this.#counts.clear()
    return lines
  }
}
