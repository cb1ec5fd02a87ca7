/** An event of the socket thread, as a message: one object for each chunk that is read. */
import type { Message } from '../kernel/message.ts'
import type { EventRecord } from '../net/event.ts'
import { PTYPE } from '../wire/ptype.ts'

export class SocketMessage implements Message, EventRecord {
  readonly type = PTYPE.SOCKET
  readonly source = 0
  readonly session = 0
  readonly kind: number
  readonly id: number
  readonly ud: number
  readonly payload: Buffer

  constructor(kind: number, id: number, ud: number, payload: Buffer) {
    this.kind = kind
    this.id = id
    this.ud = ud
    this.payload = payload
  }

  /** The event without its message: for who logs what comes. Who handles it takes the message. */
  get value(): EventRecord {
    const { kind, id, ud, payload } = this
    return { kind, id, ud, payload }
  }
}
