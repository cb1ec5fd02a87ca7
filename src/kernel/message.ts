import type { Binder } from '../wire/service-id.ts'

/** What a mailbox holds. The value belongs to the receiver: it was copied, or unpacked, for it. */
export interface Message {
  /** One of PTYPE. */
  readonly type: number
  /** Handle of the sender; 0: the node itself. */
  readonly source: number
  /** 0: no answer is wanted. A RESPONSE or ERROR carries the session it answers. */
  readonly session: number
  readonly value: unknown
}

/** A message to a worker itself. */
export interface SystemMessage extends Message {
  /** Of what in it names services: its value may be for a service that is not there yet. */
  readonly binder: Binder
}
