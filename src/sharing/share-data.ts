/**
 * Data that all services read and few change: Skynet's `sharedata`. The newest version of each
 * name lies packed in shared memory (`kernel/snapshots.ts`). A worker unpacks a version once, when
 * one of its services first looks at it, and freezes it: then reading it is reading an object.
 */
import { checkText, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { SHARED_NAME_BYTES_MAX } from '../base/limits.ts'
import type { Multicast } from '../kernel/multicast.ts'
import type { SharedPlace, Snapshot, Snapshots } from '../kernel/snapshots.ts'
import { Waiter, type WaitFor } from '../service/wait.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { copy } from '../wire/copy.ts'
import { Packer } from '../wire/pack.ts'
import { unpack } from '../wire/unpack.ts'
import { type Frozen, freeze } from './freeze.ts'
import { Subscription, type SubscriptionsHost, subscriptionsOf } from './subscription.ts'

/** What this worker has unpacked last of a name, in one of its lives. */
interface Entry extends SharedPlace {
  stamp: number
  version: number
  value: unknown
  isDeleted: boolean
}

/** Names before the first look for some that were deleted; then after each doubling. */
const NAMES_BEFORE_LOOK = 64

/** The versions that this worker has unpacked. One a worker. */
export class SharedValues {
  readonly snapshots: Snapshots
  readonly #entries = new Map<string, Entry>()
  #lookAt = NAMES_BEFORE_LOOK
  readonly #packer = new Packer()
  /** Of those who wait in `monitor`. */
  readonly looks = new Set<() => void>()

  constructor(snapshots: Snapshots) {
    this.snapshots = snapshots
  }

  /** @throws {SkynetError} `ERR_SHARE_UNKNOWN`. */
  find(name: string): Entry {
    const known = this.#entries.get(name)
    if (known !== undefined) {
      this.refresh(known)
      if (!known.isDeleted) return known
      this.#entries.delete(name)
    }
    const place = this.snapshots.find(name)
    if (place === undefined) throw new SkynetError('ERR_SHARE_UNKNOWN', { name })
    const entry: Entry = { ...place, stamp: 0, version: 0, value: undefined, isDeleted: false }
    this.#read(entry)
    if (entry.isDeleted) throw new SkynetError('ERR_SHARE_UNKNOWN', { name })
    if (this.#entries.size >= this.#lookAt) this.#dropDeleted()
    this.#entries.set(name, entry)
    return entry
  }

  /** Names whose values this worker keeps. */
  get size(): number {
    return this.#entries.size
  }

  /** Of a name that nobody asks for again its value would stay for ever. */
  #dropDeleted(): void {
    for (const [name, entry] of this.#entries) {
      if (!this.snapshots.has(entry)) this.#entries.delete(name)
    }
    this.#lookAt = Math.max(NAMES_BEFORE_LOOK, this.#entries.size * 2)
  }

  /** A worker died, perhaps between an update or a delete and the telling. */
  lookAgain(): void {
    for (const look of [...this.looks]) look()
  }

  /** The newest version; of a name that was deleted it stays at the last one. */
  refresh(entry: Entry): void {
    const { cells } = this.snapshots
    if (!entry.isDeleted && cells[this.snapshots.stampCell(entry.slot)] !== entry.stamp) {
      this.#read(entry)
    }
  }

  #read(entry: Entry): void {
    const read = this.snapshots.read(entry)
    if (read === undefined) entry.isDeleted = true
    else this.#put(entry, read, freeze(unpack(read.bytes, 0, read.bytes.length)))
  }

  /**
   * Pack a value, and freeze a copy of it.
   *
   * @throws {SkynetError} What cannot be part of a message; `ERR_SHARE_MUTABLE`.
   */
  pack(value: unknown): { readonly bytes: Buffer; readonly frozen: unknown } {
    const length = this.#packer.pack(value, 'value')
    const bytes = Buffer.from(this.#packer.bytes.subarray(0, length))
    return { bytes, frozen: freeze(unpack(bytes, 0, length)) }
  }

  /** A service of this worker made this version: it need not be unpacked again. */
  know(name: string, { channel }: SharedPlace, snapshot: Snapshot, frozen: unknown): void {
    const entry = this.#entries.get(name)
    if (entry?.channel === channel) this.#put(entry, snapshot, frozen)
  }

  #put(entry: Entry, { stamp, version }: Snapshot, value: unknown): void {
    entry.stamp = stamp
    entry.version = version
    entry.value = value
  }
}

/** What shared data needs of its service. */
export interface SharingHost extends SubscriptionsHost {
  readonly handle: number
}

/** What all services of one worker share, and how they are told. */
export interface Sharing {
  readonly shared: SharedValues
  readonly multicast: Multicast
}

/**
 * What one service sees of a name. `value` stays as it is until `latest` or `monitor` moves on;
 * each version is frozen, and the same object for all services of the worker.
 */
export class SharedView<T = unknown> {
  readonly name: string
  readonly #service: SharingHost
  readonly #sharing: Sharing
  readonly #entry: Entry
  readonly #cells: Int32Array
  readonly #cell: number
  #stamp: number
  #value: Frozen<T>
  #version: number

  constructor(service: SharingHost, sharing: Sharing, name: string, entry: Entry) {
    this.name = name
    this.#service = service
    this.#sharing = sharing
    this.#entry = entry
    const { snapshots } = sharing.shared
    this.#cells = snapshots.cells
    this.#cell = snapshots.stampCell(entry.slot)
    this.#stamp = entry.stamp
    this.#value = entry.value as Frozen<T>
    this.#version = entry.version
  }

  /** The version this view is at. */
  get value(): Frozen<T> {
    return this.#value
  }

  /** Its number: 1 for the first one since `new`, then counting up. */
  get version(): number {
    return this.#version
  }

  /** The name was deleted; the view stays at the last version this worker has seen. */
  get isDeleted(): boolean {
    this.latest()
    return this.#entry.isDeleted
  }

  /**
   * Move on to the newest version. When there is none it costs the look at a number; when there is
   * one, the first service of a worker that asks unpacks it. An update that was done before
   * something which this service has been told of is seen.
   */
  latest(): Frozen<T> {
    // A plain read, three times cheaper than an atomic one: what this service was told of it was
    // told through a ring, whose atomics order this read behind the update.
    if (this.#cells[this.#cell] !== this.#stamp) this.#move()
    return this.#value
  }

  #move(): void {
    const entry = this.#entry
    this.#stamp = this.#cells[this.#cell]!
    this.#sharing.shared.refresh(entry)
    if (entry.isDeleted) return
    this.#stamp = entry.stamp
    this.#value = entry.value as Frozen<T>
    this.#version = entry.version
  }

  /**
   * Wait for a version that is newer than the one this view is at, and move on to the newest: none
   * is missed, several may be passed over.
   *
   * @throws {SkynetError} `ERR_SHARE_UNKNOWN` when the name was deleted, now or before;
   * `ERR_CALL_TIMEOUT`, `ABORT_ERR` as asked for; `ERR_SERVICE_EXITED`.
   */
  async monitor(options?: WaitOptions): Promise<Frozen<T>> {
    const service = this.#service
    const from = this.#version
    const about: WaitFor = {
      kind: 'share',
      what: `a new version of ${this.name}`,
      late: (timeoutMs) => {
        const info = { to: this.name, method: 'monitor', timeoutMs }
        return new SkynetError('ERR_CALL_TIMEOUT', info)
      },
    }
    const waiter = new Waiter<void>(service, about, options)
    // It cannot be begun: its service has ended, its signal has aborted, its options are wrong.
    if (waiter.isOver) await waiter.promise
    const look = (): void => {
      this.latest()
      if (this.#version > from) waiter.resolve()
      else if (this.#entry.isDeleted) gone()
    }
    const { multicast, shared } = this.#sharing
    const own = subscriptionsOf(service, multicast)
    const subscription = new Subscription(own, this.#entry.channel, look)
    const gone = (): void => {
      waiter.reject(new SkynetError('ERR_SHARE_UNKNOWN', { name: this.name }))
    }
    void subscription.ended.then((reason) => reason === 'deleted' && gone())
    const { looks } = shared
    looks.add(look)
    try {
      // First the subscription, then the look: an update between the two is seen by both.
      if (own.add(subscription)) look()
      else gone()
      await waiter.promise
      return this.#value
    } finally {
      looks.delete(look)
      subscription.unsubscribe()
      waiter.resolve()
    }
  }
}

export class ShareDataApi {
  readonly #service: SharingHost
  readonly #sharing: Sharing

  constructor(service: SharingHost, sharing: Sharing) {
    this.#service = service
    this.#sharing = sharing
  }

  /**
   * Share a value under a name that is free. It is copied.
   *
   * @param name At most `SHARED_NAME_BYTES_MAX` bytes.
   * @param value Plain objects, arrays and primitives, up to the limits of a message.
   * @throws {SkynetError} `ERR_SHARE_TAKEN`, `ERR_SHARE_LIMIT`; `ERR_SHARE_MUTABLE` for a `Map`, a
   * `Date`, bytes and the like; what cannot be part of a message.
   */
  new(name: string, value: unknown): void {
    const { bytes } = this.#shared(name).pack(value)
    if (!this.#create(name, bytes)) throw new SkynetError('ERR_SHARE_TAKEN', { name })
  }

  /**
   * Replace the value of a name, or share it when there is none. Once this returns, whoever looks
   * on any worker sees the new version, all of it.
   *
   * @throws As `new`, but for `ERR_SHARE_TAKEN`.
   */
  update(name: string, value: unknown): void {
    const shared = this.#shared(name)
    const { bytes, frozen } = shared.pack(value)
    for (;;) {
      const place = shared.snapshots.find(name)
      const snapshot = place && shared.snapshots.update(place, bytes)
      if (place !== undefined && snapshot !== undefined) {
        shared.know(name, place, snapshot, frozen)
        const { handle } = this.#service
        this.#sharing.multicast.publish(place.channel, handle, snapshot.version)
        return
      }
      // Somebody deleted it just now, or makes it just now: look again.
      if (place === undefined && this.#create(name, bytes)) return
    }
  }

  /**
   * End a name. Views stay at the last version their worker has seen.
   *
   * @throws {SkynetError} `ERR_SHARE_UNKNOWN`.
   */
  delete(name: string): void {
    const { snapshots } = this.#shared(name)
    const place = snapshots.find(name)
    if (place === undefined || !snapshots.remove(place)) {
      throw new SkynetError('ERR_SHARE_UNKNOWN', { name })
    }
    this.#sharing.multicast.delete(place.channel, this.#service.handle)
  }

  /**
   * The value of a name, at its newest version.
   *
   * @throws {SkynetError} `ERR_SHARE_UNKNOWN`.
   */
  query<T = unknown>(name: string): SharedView<T> {
    return new SharedView<T>(this.#service, this.#sharing, name, this.#shared(name).find(name))
  }

  /**
   * The newest version, or the part of it at `keys`, as a value of the caller's own that can be
   * changed. Undefined: it has no such part.
   *
   * @throws {SkynetError} `ERR_SHARE_UNKNOWN`.
   */
  deepCopy<T = unknown>(name: string, ...keys: (string | number)[]): T {
    let part = this.#shared(name).find(name).value
    for (const key of keys) {
      checkKey(key)
      const isInside = typeof part === 'object' && part !== null && Object.hasOwn(part, key)
      part = isInside ? (part as Record<string | number, unknown>)[key] : undefined
    }
    return copy(part, 'value') as T
  }

  /** False: the name is taken. */
  #create(name: string, bytes: Buffer): boolean {
    const { shared, multicast } = this.#sharing
    const channel = multicast.channels.create()
    const made = shared.snapshots.create(name, channel, bytes)
    if (typeof made === 'object') return true
    multicast.channels.end(channel)
    if (made === 'taken') return false
    throw new SkynetError('ERR_SHARE_LIMIT', { limit: shared.snapshots.slots })
  }

  #shared(name: string): SharedValues {
    if (this.#service.hasEnded) throw this.#service.exited()
    checkText('share data', 'name', name)
    if (Buffer.byteLength(name) > SHARED_NAME_BYTES_MAX) {
      throw new RangeError(
        `Cannot share data as 'name' must have at most ${SHARED_NAME_BYTES_MAX} bytes: ` +
          `current value has ${Buffer.byteLength(name)}`,
      )
    }
    return this.#sharing.shared
  }
}

function checkKey(key: unknown): void {
  if (typeof key === 'string' || typeof key === 'number') return
  throw refusal('type', 'copy shared data', 'keys', 'strings or numbers', key)
}
