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
  /** Of what in `args` names services, for a service that is not there yet; none: no `args`. */
  readonly binder: Binder | undefined
}

/** What is sent to a worker: `{ order: 'kill', handle }`. It is made for that, all but `args`. */
export interface WorkerOrder {
  readonly order: string
  /** What code of a user has given, unless it is empty: that would be this one's own. */
  readonly args?: readonly unknown[]
}
