/**
 * The bytes that a client and a gate exchange, for both ends: no module of ours, nothing of Node.
 *
 * One message of the transport is one message here: a byte that says which, then its fields as the
 * two tables have them. There is one form for each message, and no other is taken: what is read and
 * written again has the same bytes. docs/session-protocol.md has the same for other languages.
 */
import { FULL } from './full.ts'

/** What HELLO and WELCOME say. */
export const WIRE_VERSION = 1
/** The largest window that a WELCOME may tell. */
export const WINDOW_MAX = 4096
/** What a gate must be able to say: its WELCOME is no longer, whatever is open. */
export const leastMessageBytes = (window: number): number => 512 + 8 * window

/** Bytes that are no message. `field` names the place: `request.name`. */
export class WireError extends Error {
  readonly field: string
  constructor(field: string, reason: string | false) {
    super(FULL ? `Cannot read ${field}: ${reason}` : field)
    this.name = 'WireError'
    this.field = field
  }
}

export const encoder = new TextEncoder()
/** A byte order mark is a character like others: what is read is what was written. */
export const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Names are short and ASCII, and at a gate encoder and decoder cost more than all the rest. */
const SHORT_CHARS_MAX = 127
const ASCII = /^[\0-\x7f]{0,127}$/
const NUMBER_MAX = Number.MAX_SAFE_INTEGER
export const NOTHING = new Uint8Array(0)

/** Of the message that is written, all but its rest. */
let head: number[] = []
let rest: Uint8Array = NOTHING
/** The message that is read, and where. */
let from: Uint8Array = NOTHING
let at = 0
/** What is read: of an error alone. */
let place = ''

const refuse = (reason: string | false): WireError => new WireError(place, reason)

/** How a field is written, and read. */
interface Field<T> {
  put(value: T): void
  /** @throws {WireError} It is not in its one form. */
  take(): T
}

/** One of whatever type. */
interface AnyField extends Omit<Field<never>, 'take'> {
  take(): unknown
}

/** A varint (LEB128): seven bits a byte, the low ones first, no more bytes than it needs. */
const NUMBER: Field<number> = {
  put(value) {
    let left = value
    while (left > 127) {
      head.push((left % 128) | 128)
      left = Math.floor(left / 128)
    }
    head.push(left)
  },
  take() {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      if (at >= from.length) throw refuse(FULL && 'it is cut')
      const byte = from[at++]!
      value += (byte & 127) * scale
      if (value > NUMBER_MAX || scale > NUMBER_MAX) throw refuse(FULL && 'a number is above 2^53-1')
      if (byte === 0 && scale > 1) throw refuse(FULL && 'a number has more bytes than it needs')
      if (byte < 128) return value
    }
  },
}

function takeBytes(count: number): Uint8Array {
  if (count > from.length - at) throw refuse(FULL && 'it is cut')
  at += count
  return from.subarray(at - count, at)
}

/** Their number, then they. */
const BYTES: Field<Uint8Array> = {
  put(value) {
    NUMBER.put(value.length)
    for (const byte of value) head.push(byte)
  },
  take: () => takeBytes(NUMBER.take()),
}

/** UTF-8, as bytes. */
const TEXT: Field<string> = {
  put(value) {
    if (!FULL || !ASCII.test(value)) return BYTES.put(encoder.encode(value))
    head.push(value.length)
    for (let i = 0; i < value.length; i++) head.push(value.charCodeAt(i))
  },
  take() {
    const bytes = BYTES.take()
    if (FULL && bytes.length <= SHORT_CHARS_MAX) {
      const text = String.fromCharCode(...bytes)
      if (ASCII.test(text)) return text
    }
    try {
      return decoder.decode(bytes)
    } catch {
      throw refuse(FULL && 'a text is not UTF-8')
    }
  },
}

/** All bytes that are left: the last field of a message. */
const REST: Field<Uint8Array> = {
  put(value) {
    rest = value
  },
  take: () => takeBytes(from.length - at),
}

/** Up to the end of a message, each by how much it is above the one before. */
const NUMBERS: Field<readonly number[]> = {
  put(value) {
    let before = 0
    for (const each of value) {
      NUMBER.put(each - before)
      before = each
    }
  },
  take() {
    const values: number[] = []
    let value = 0
    while (at < from.length) {
      const more = NUMBER.take()
      value += more
      if (more === 0) throw refuse(FULL && 'numbers do not grow')
      if (value > NUMBER_MAX) throw refuse(FULL && 'a number is above 2^53-1')
      values.push(value)
    }
    return values
  },
}

/** The fields that there are, as docs/session-protocol.md names them. */
export const FIELDS = { number: NUMBER, text: TEXT, bytes: BYTES, rest: REST, numbers: NUMBERS }

/** Messages of one side: name → its byte, and its fields in order. */
type WireTable = Readonly<Record<string, { readonly code: number; readonly fields: Fields }>>
type Fields = Readonly<Record<string, AnyField>>

const PING = { code: 4, fields: { value: NUMBER } } as const
const PONG = { code: 5, fields: { value: NUMBER } } as const

/** What a client says. Codes are never given to something else. */
export const FROM_CLIENT = {
  /**
   * The first one of each connection. `attempt` grows with each connection of a client: of two that
   * show the same token the later one counts, whichever arrives first. `token`: empty for a new
   * session. All pushes up to `pushesUpTo`, all answers up to `answersUpTo` have come.
   */
  hello: {
    code: 1,
    fields: {
      version: NUMBER,
      attempt: NUMBER,
      token: BYTES,
      pushesUpTo: NUMBER,
      answersUpTo: NUMBER,
      login: REST,
    },
  },
  /** `flags`: `QUIET`, or 0. */
  request: {
    code: 2,
    fields: { number: NUMBER, flags: NUMBER, name: TEXT, body: REST },
  },
  /** As in HELLO; `answers` are those above `answersUpTo` that have come since the last ACK. */
  ack: { code: 3, fields: { pushesUpTo: NUMBER, answersUpTo: NUMBER, answers: NUMBERS } },
  ping: PING,
  pong: PONG,
  /** Ends the session. */
  bye: { code: 6, fields: {} },
} as const satisfies WireTable

/** What a gate says. */
export const FROM_SERVER = {
  /**
   * `messagesPerSecond`: of REQUESTs, on an average; as many may come at once. `token` is good for
   * the next HELLO. The server knows requests up to `requestsUpTo`, and holds
   * `open` of them: they run, or their answers are not acknowledged. The next push is
   * `pushesUpTo` + 1.
   */
  welcome: {
    code: 16,
    fields: {
      version: NUMBER,
      isResumed: NUMBER,
      session: TEXT,
      token: BYTES,
      epoch: NUMBER,
      requestsUpTo: NUMBER,
      pushesUpTo: NUMBER,
      heartbeatMs: NUMBER,
      missed: NUMBER,
      keepMs: NUMBER,
      window: NUMBER,
      messageBytesMax: NUMBER,
      messagesPerSecond: NUMBER,
      open: NUMBERS,
    },
  },
  answer: { code: 17, fields: { number: NUMBER, body: REST } },
  failed: { code: 18, fields: { number: NUMBER, code: TEXT, text: TEXT } },
  push: { code: 19, fields: { number: NUMBER, name: TEXT, body: REST } },
  /**
   * `retryMs` 0: do not come back. Else: come back within a random time up to that. `isOver` 1: the
   * session is; 0: its token is still good.
   */
  close: { code: 20, fields: { code: TEXT, text: TEXT, retryMs: NUMBER, isOver: NUMBER } },
  ping: PING,
  pong: PONG,
} as const satisfies WireTable

/** Of a REQUEST: nobody waits for the answer. It is an ANSWER without a body. */
export const QUIET = 1

type ValueOf<F> = F extends Field<infer Value> ? Value : never

/** A message of a table: `kind` is its name there. */
export type WireMessage<T extends WireTable, K extends keyof T = keyof T> = {
  readonly [Name in K]: { readonly kind: Name } & {
    readonly [F in keyof T[Name]['fields']]: ValueOf<T[Name]['fields'][F]>
  }
}[K]
export type FromClient = WireMessage<typeof FROM_CLIENT>
export type FromServer = WireMessage<typeof FROM_SERVER>

/** @returns The bytes of one message; they are the caller's. */
export function encodeWire<T extends WireTable>(table: T, message: WireMessage<T>): Uint8Array {
  const { code, fields } = table[message.kind]!
  head = [code]
  rest = NOTHING
  for (const name in fields) {
    // The field says what its value is, which the compiler cannot follow.
    fields[name]!.put((message as unknown as Record<string, never>)[name]!)
  }
  const bytes = new Uint8Array(head.length + rest.length)
  bytes.set(head)
  bytes.set(rest, head.length)
  rest = NOTHING
  return bytes
}

/**
 * @param bytes One message. Fields that are bytes are parts of it.
 * @throws {WireError} It is none of `table`, or not in its one form.
 */
export function decodeWire<T extends WireTable>(table: T, bytes: Uint8Array): WireMessage<T> {
  from = bytes
  at = 1
  for (const kind in table) {
    const { code, fields } = table[kind]!
    if (code !== bytes[0]) continue
    const message: Record<string, unknown> = { kind }
    for (const name in fields) {
      place = `${kind}.${name}`
      message[name] = fields[name]!.take()
    }
    place = kind
    if (at < bytes.length) throw refuse(FULL && `${bytes.length - at} bytes too many`)
    return message as unknown as WireMessage<T>
  }
  throw new WireError('message', FULL && `its first byte is ${bytes[0] ?? 'missing'}`)
}
