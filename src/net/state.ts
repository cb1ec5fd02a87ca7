/** The states of a socket and the moves between them, as data (numbers as in Skynet). */
import assert from 'node:assert/strict'

export const STATE = {
  /** The slot is free. */
  INVALID: 0,
  /** Somebody took the slot; the socket thread has not opened it yet. */
  RESERVE: 1,
  /** Listens, but accepts nobody until `start`. */
  PLISTEN: 2,
  LISTEN: 3,
  CONNECTING: 4,
  CONNECTED: 5,
  /** Nothing more will be read: the peer ended, or we are closing and still flush. */
  HALFCLOSE_READ: 6,
  /** A write failed; what the peer sent before may still be read. */
  HALFCLOSE_WRITE: 7,
  /** Accepted, and not read before `start`. */
  PACCEPT: 8,
  /** A descriptor that existed before: a pipe, a terminal. It is not closed with the socket. */
  BIND: 9,
} as const
export type StateName = keyof typeof STATE
export type State = (typeof STATE)[StateName]

/** Row: state. Column: what happened. Cell: next state. A pair that is absent cannot happen. */
const NEXT = {
  INVALID: { reserve: 'RESERVE' },
  RESERVE: {
    listen: 'PLISTEN',
    connect: 'CONNECTING',
    accept: 'PACCEPT',
    udp: 'CONNECTED',
    bind: 'BIND',
    free: 'INVALID',
  },
  PLISTEN: { start: 'LISTEN', free: 'INVALID' },
  LISTEN: { free: 'INVALID' },
  CONNECTING: { opened: 'CONNECTED', flush: 'HALFCLOSE_READ', free: 'INVALID' },
  CONNECTED: {
    peerEnded: 'HALFCLOSE_READ',
    flush: 'HALFCLOSE_READ',
    writeFailed: 'HALFCLOSE_WRITE',
    ended: 'HALFCLOSE_WRITE',
    free: 'INVALID',
  },
  HALFCLOSE_READ: { flush: 'HALFCLOSE_READ', free: 'INVALID' },
  HALFCLOSE_WRITE: { flush: 'HALFCLOSE_READ', free: 'INVALID' },
  PACCEPT: { start: 'CONNECTED', flush: 'HALFCLOSE_READ', free: 'INVALID' },
  BIND: {
    peerEnded: 'HALFCLOSE_READ',
    flush: 'HALFCLOSE_READ',
    writeFailed: 'HALFCLOSE_WRITE',
    ended: 'HALFCLOSE_WRITE',
    free: 'INVALID',
  },
} as const satisfies Record<StateName, Partial<Record<string, StateName>>>

export type Input =
  | 'reserve'
  | 'listen'
  | 'connect'
  | 'accept'
  | 'udp'
  | 'bind'
  | 'start'
  | 'opened'
  | 'peerEnded'
  | 'writeFailed'
  | 'ended'
  | 'flush'
  | 'free'

const NAMES = Object.keys(STATE) as StateName[]
const TABLE: readonly Partial<Record<Input, StateName>>[] = NAMES.map((name) => NEXT[name])

/** The state after `input`. Asserts: a move that the table does not have is a bug of ours. */
export function nextState(from: number, input: Input): State {
  const to = TABLE[from]?.[input]
  assert(to !== undefined, `no move from ${NAMES[from]} by ${input}`)
  return STATE[to]
}

export const stateName = (state: number): StateName => NAMES[state] ?? 'INVALID'
