/** Where the two halves meet: an event of the socket thread becomes a message in a mailbox. */
import { type Budget, costOf } from '../base/budget.ts'
import type { Router } from '../kernel/router.ts'
import type { Inlet, Scheduler } from '../kernel/scheduler.ts'
import type { SocketClient } from '../net/client/client.ts'
import type { Doorbells } from '../shm/doorbell.ts'
import type { Region } from '../shm/memory.ts'
import type { StreamRing } from '../shm/ring.ts'
import { orphaned } from '../sockets/pool.ts'
import { SocketMessage } from '../sockets/socket-message.ts'
import { Chunks } from './chunks.ts'

export interface BridgeOptions {
  readonly ring: StreamRing
  readonly region: Region
  readonly bells: Doorbells
  readonly worker: number
  readonly router: Router
  readonly scheduler: Scheduler
  readonly client: SocketClient
}

/** The worker's end of its stream ring. */
export class Bridge implements Inlet {
  readonly #options: BridgeOptions
  readonly #chunks = new Chunks()
  /** Of the drain under way; none: it ends with its records. */
  #budget: Budget | undefined

  constructor(options: BridgeOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#options.ring.isEmpty
  }

  get written(): number {
    return this.#options.ring.written
  }

  hasRead(mark: number): boolean {
    return this.#options.ring.hasRead(mark)
  }

  drain(limit: number, budget?: Budget): number {
    const { ring, bells, worker } = this.#options
    this.#budget = budget
    const count = ring.read(limit, this.#receive)
    bells.announceRoom(worker)
    return count
  }

  /** The only copy of what was read: out of the ring, into a buffer that the service owns. */
  readonly #receive = (
    kind: number,
    owner: number,
    id: number,
    ud: number,
    at: number,
    length: number,
  ): boolean => {
    const { region, router, scheduler, client } = this.#options
    const payload = this.#chunks.allocate(length)
    if (length > 0) region.bytes.copy(payload, 0, at, at + length)
    const message = new SocketMessage(kind, id, ud, payload)
    const context = router.contexts.get(owner >>> 0)
    if (context === undefined) orphaned(client, message)
    else scheduler.deliver(context, message)
    return this.#budget?.spend(costOf(length)) !== false
  }
}
