/** What the TLS streams of a service have in common. */
import { SEND_QUEUE_BYTES_MAX } from '../../base/limits.ts'
import type { PartHost } from '../../service/part.ts'
import type { WaitHost } from '../../service/wait.ts'
import { type Leavers, leaversOf } from '../leavers.ts'

/** What they need of their service. */
export interface TlsService extends WaitHost, PartHost {
  readonly runtime: { readonly receiveLimitBytes: number; readonly now: number }
  run(what: string, task: () => unknown): void
  after(ms: number, task: () => void): { cancel(): void }
}

export interface TlsPool {
  readonly service: TlsService
  readonly clock: { readonly now: number }
  readonly leavers: Leavers
  /** Bytes that nobody has read, beyond which the peer has to wait. */
  readonly receiveLimitBytes: number
  /** Unsent bytes beyond which a stream fails. */
  readonly sendLimitBytes: number
}

export const tlsPoolOf = (service: TlsService, sendLimitBytes = SEND_QUEUE_BYTES_MAX): TlsPool => ({
  service,
  clock: service.runtime,
  leavers: leaversOf(service),
  receiveLimitBytes: service.runtime.receiveLimitBytes,
  sendLimitBytes,
})
