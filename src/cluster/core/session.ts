/**
 * Which session two nodes are in. Each of them numbers its own, and a session is open while both
 * know the number of the other one. Whoever ends it takes another number and greets with that: the
 * peer sees that its own session is over as well. So no frame of a session comes into a later one.
 *
 * ```text
 *   we                         peer
 *   HELLO 7, yours ?    ──▶    knows 7
 *   open, knows 3       ◀──    HELLO 3, yours 7
 *   HELLO 7, yours 3    ──▶    open              the last one says that it needs no answer
 * ```
 *
 * A lost HELLO is sent again after a while. A frame with both numbers opens as well.
 */
import {
  LINK_ASSEMBLY_BYTES_MAX,
  LINK_FRAME_BYTES_MAX,
  LINK_GREET_MS,
  LINK_GREET_MS_MAX,
  LINK_LANES_MAX,
  LINK_WINDOW_BYTES_MAX,
  MESSAGE_BYTES_MAX,
} from '../../base/limits.ts'
import { FRAME_VERSIONS, type Hello, type LinkEnd } from './frame.ts'

/** `idle`: nothing was ever said, or both have parted. `closed`: nothing will be. */
export type SessionState = 'idle' | 'greeting' | 'open' | 'closed'

/** What a HELLO says by its numbers: is its session the one we know, and does it know ours? */
type Meeting = 'stranger' | 'changed' | 'unaware' | 'agreed'

/** `begin`: with a session of ours, then answer. `renew`: end ours, then answer. */
export type Greeting = 'ignore' | 'begin' | 'answer' | 'open' | 'renew'

const GREETINGS: Readonly<Record<SessionState, Readonly<Record<Meeting, Greeting>>>> = {
  idle: { stranger: 'begin', changed: 'begin', unaware: 'begin', agreed: 'begin' },
  greeting: { stranger: 'answer', changed: 'open', unaware: 'answer', agreed: 'open' },
  // Unaware of what it has agreed to before: an older HELLO that comes late.
  open: { stranger: 'renew', changed: 'renew', unaware: 'ignore', agreed: 'answer' },
  closed: { stranger: 'ignore', changed: 'ignore', unaware: 'ignore', agreed: 'ignore' },
}

const OUR_HELLO = {
  versions: FRAME_VERSIONS,
  lanes: LINK_LANES_MAX,
  assemblyBytes: LINK_ASSEMBLY_BYTES_MAX,
  windowBytes: LINK_WINDOW_BYTES_MAX,
} as const

export class LinkSession {
  state: SessionState = 'idle'
  /** Our number; 0: none. */
  mine = 0
  /** That of the peer; 0: not known. */
  theirs = 0
  /** A HELLO has to be sent. */
  isHelloDue = false
  /** Why the session before has ended. */
  #why: LinkEnd | undefined
  #greetAt = 0
  #greetMs = LINK_GREET_MS

  /** @param random 0 … 1. A number that was used for the same peer before must not come again. */
  begin(random: number, why: LinkEnd | undefined, now: number): void {
    const number = 1 + Math.floor(random * 0xfffffffe)
    this.mine = number === this.mine ? number - 1 || 0xffffffff : number
    this.theirs = 0
    this.state = 'greeting'
    this.#why = why
    this.#greetAt = now + this.#greetMs
  }

  /** Who was just refused is not greeted at once. */
  postpone(): void {
    this.isHelloDue = false
  }

  /** True: nothing has come of the last HELLO, another one is due. */
  isSilent(now: number): boolean {
    if (this.state !== 'greeting' || now < this.#greetAt) return false
    this.#greetMs = Math.min(this.#greetMs * 2, LINK_GREET_MS_MAX)
    this.#greetAt = now + this.#greetMs
    return true
  }

  open(): void {
    this.state = 'open'
    this.#greetMs = LINK_GREET_MS
  }

  end(state: 'idle' | 'closed'): void {
    this.mine = this.theirs = 0
    this.state = state
    this.isHelloDue = false
  }

  /** @param to Epoch of the peer. */
  hello(to: number): Hello {
    return { ...OUR_HELLO, to, why: this.#why }
  }

  /** What has to be done about a HELLO with these numbers. */
  meet(session: number, yours: number): Greeting {
    const isSame = session === this.theirs
    const isAware = yours === this.mine
    const meeting = isSame ? (isAware ? 'agreed' : 'unaware') : isAware ? 'changed' : 'stranger'
    return GREETINGS[this.state][meeting]
  }

  /** Is a frame with these numbers of this session? */
  has(session: number, yours: number): boolean {
    return session === this.theirs && yours === this.mine && session !== 0
  }
}

/** The greatest version that both speak; 0: none. */
export function versionWith({ versions }: Hello): number {
  const version = Math.min(versions.max, FRAME_VERSIONS.max)
  return version >= Math.max(versions.min, FRAME_VERSIONS.min) ? version : 0
}

/** With less a link could wait for ever. */
export const isUsable = ({ lanes, assemblyBytes, windowBytes }: Hello): boolean =>
  lanes > 0 && assemblyBytes >= MESSAGE_BYTES_MAX && windowBytes >= 2 * LINK_FRAME_BYTES_MAX
