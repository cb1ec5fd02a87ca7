/** Streams as a kernel keeps them: two ends, a buffer at each, FIN and RST between them. */
import { portOf } from '../../os/address.ts'
import { ERRNO } from '../../os/errno.ts'
import type { AnyAddress } from '../../os/os.ts'
import { READY } from '../../os/poll/poller.ts'

const { EAGAIN, ECONNREFUSED, ECONNRESET, EINPROGRESS, EPIPE } = ERRNO

/** What a descriptor can stand for. */
export interface Pollable {
  /** Bits of READY that hold now, whatever is asked for. */
  ready(): number
  close(): void
}

/** Bytes that arrived and were not read. */
class Inbox {
  capacity: number
  length = 0
  #bytes = Buffer.alloc(0)
  #from = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get room(): number {
    return Math.max(0, this.capacity - this.length)
  }

  push(bytes: Uint8Array, offset: number, count: number): void {
    if (this.#from + this.length + count > this.#bytes.length) this.#makeRoom(count)
    const end = this.#from + this.length
    this.#bytes.set(bytes.subarray(offset, offset + count), end)
    this.length += count
  }

  take(into: Uint8Array, at: number, count: number): void {
    into.set(this.#bytes.subarray(this.#from, this.#from + count), at)
    this.#from += count
    this.length -= count
  }

  clear(): void {
    this.length = 0
  }

  #makeRoom(count: number): void {
    const kept = this.#bytes.subarray(this.#from, this.#from + this.length)
    const wanted = this.length + count
    const bytes = wanted <= this.#bytes.length ? this.#bytes : Buffer.allocUnsafe(wanted * 2)
    bytes.set(kept)
    this.#bytes = bytes
    this.#from = 0
  }
}

export class SimEndpoint implements Pollable {
  readonly inbox: Inbox
  state: 'fresh' | 'connecting' | 'open' | 'failed' = 'fresh'
  other: SimEndpoint | undefined
  local: AnyAddress | undefined
  remote: AnyAddress | undefined
  /** SO_ERROR, negative. */
  error = 0
  finReceived = false
  finSent = false
  isReset = false
  isClosed = false
  /** SO_LINGER of 0 seconds. */
  resetsOnClose = false
  /** When the program last moved bytes, or opened it; and when it closed it. */
  activeAt = 0
  closedAt = 0
  /** Bytes taken from the program, ever. */
  bytesTaken = 0
  /** Whether RST leaves what arrived before it readable: systems differ. */
  resetKeepsData = false

  constructor(capacity: number) {
    this.inbox = new Inbox(capacity)
  }

  /** Two ends become one connection. */
  join(other: SimEndpoint): void {
    this.other = other
    other.other = this
    this.state = 'open'
    other.state = 'open'
  }

  ready(): number {
    if (this.state === 'connecting') return 0
    if (this.state !== 'open') {
      const failed = this.error < 0 ? READY.error : 0
      return READY.read | READY.write | READY.hangup | failed
    }
    let bits = 0
    if (this.inbox.length > 0 || this.finReceived || this.isReset) bits |= READY.read
    if (this.isReset || this.other!.isClosed || this.other!.inbox.room > 0) bits |= READY.write
    if (this.isReset || (this.finReceived && this.finSent)) bits |= READY.hangup
    if (this.error < 0) bits |= READY.error
    return bits
  }

  takeError(): number {
    const { error } = this
    this.error = 0
    return error
  }

  read(into: Uint8Array, at: number, length: number): number {
    if (this.inbox.length > 0) {
      const count = Math.min(length, this.inbox.length)
      this.inbox.take(into, at, count)
      return count
    }
    if (this.error < 0) return this.takeError()
    if (this.finReceived || this.isReset || this.state === 'failed') return 0
    return -EAGAIN
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    if (this.state === 'connecting') return -EAGAIN
    if (this.error < 0) return this.takeError()
    if (this.state !== 'open' || this.isReset || this.finSent) return -EPIPE
    const other = this.other!
    if (other.isClosed) {
      // Nobody is there to take it: taken all the same, and answered by RST.
      this.receiveReset(-ECONNRESET)
      const count = Math.min(length, other.inbox.capacity)
      this.bytesTaken += count
      return count
    }
    const count = Math.min(length, other.inbox.room)
    if (count === 0 && length > 0) return -EAGAIN
    other.inbox.push(bytes, offset, count)
    this.bytesTaken += count
    return count
  }

  sendFin(): void {
    if (this.finSent || this.isReset || this.state !== 'open') return
    this.finSent = true
    this.other!.finReceived = true
  }

  /** @param errno Negative: what the other end is told. */
  sendReset(errno = -ECONNRESET): void {
    if (this.state !== 'open') return
    this.isReset = true
    this.other!.receiveReset(errno)
  }

  receiveReset(errno: number): void {
    if (this.isReset || this.isClosed) return
    this.isReset = true
    this.error = errno
    if (!this.resetKeepsData) this.inbox.clear()
  }

  /** As close(2): bytes unread make it RST, which can cost the other end what it has not read. */
  close(): void {
    if (this.inbox.length > 0 || this.resetsOnClose) this.sendReset()
    else this.sendFin()
    this.isClosed = true
  }
}

/** A socket that listens, and who waits there. */
export class Listening implements Pollable {
  readonly local: AnyAddress
  readonly backlogMax: number
  readonly backlog: SimEndpoint[] = []
  /** Who connects while the backlog is full, each with the end that will be accepted. */
  #late: (readonly [from: SimEndpoint, to: SimEndpoint])[] = []

  constructor(local: AnyAddress, backlogMax: number) {
    this.local = local
    this.backlogMax = backlogMax
  }

  get port(): number {
    return portOf(this.local)
  }

  get isFull(): boolean {
    return this.backlog.length >= this.backlogMax
  }

  ready(): number {
    return this.backlog.length > 0 ? READY.read : 0
  }

  /**
   * `from` connects, `to` is to be accepted: now, or when there is room.
   *
   * @returns As connect(2).
   */
  arrive(from: SimEndpoint, to: SimEndpoint): number {
    if (this.isFull) {
      from.state = 'connecting'
      this.#late.push([from, to])
      return -EINPROGRESS
    }
    from.join(to)
    this.backlog.push(to)
    return 0
  }

  /** Who waits longest, if somebody does. */
  take(): SimEndpoint | undefined {
    const first = this.backlog.shift()
    this.#late = this.#late.filter(([from]) => !from.isClosed)
    while (!this.isFull && this.#late.length > 0) this.arrive(...this.#late.shift()!)
    return first
  }

  close(): void {
    for (const endpoint of this.backlog.splice(0)) {
      endpoint.sendReset()
      endpoint.isClosed = true
    }
    for (const [from] of this.#late.splice(0)) {
      from.state = 'failed'
      from.error = -ECONNREFUSED
    }
  }
}

/** An eventfd: both of its descriptors are this. */
export class Bell implements Pollable {
  isRung = false

  ready(): number {
    return this.isRung ? READY.read : 0
  }

  close(): void {}
}
