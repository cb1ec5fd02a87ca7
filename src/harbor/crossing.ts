/**
 * Where this node meets its border: what services send to handles of other harbors comes here from
 * all workers, and what others send goes to services. It lives on the worker of service `harbor`.
 */
import { SkynetError } from '../base/errors.ts'
import { Context } from '../kernel/context.ts'
import { type Part, PartKey } from '../service/part.ts'
import { Repeats } from '../service/repeats.ts'
import type { Service } from '../service/service.ts'
import { checkNotNeeded } from '../supervision/needed.ts'
import { PTYPE } from '../wire/ptype.ts'
import { UNBOUND } from '../wire/service-id.ts'
import { unpack } from '../wire/unpack.ts'
import { Border, TROUBLES } from './border.ts'
import { type HarborParcel, Roads, type RoadsHost, type RoadsOptions } from './roads.ts'
import { Watchers } from './watchers.ts'

/** The connections to other harbors. */
export type CrossingHost = Pick<RoadsHost, 'stateOf' | 'bufferedAmount' | 'write'>

export interface CrossingOptions extends RoadsOptions {
  readonly harbor: number
  readonly callTimeoutMs: number
  readonly names: Parameters<typeof checkNotNeeded>[0]['names']
}

/** How often calls and messages that wait are looked at. */
const TICK_MS = 250
const moreLines = (more: number): string => `harbors: ${more} more lines like the last`
const NOBODY = { receive: (): void => {}, ...UNBOUND }
const KEY = new PartKey<Crossing>()

export class Crossing implements Part {
  readonly #service: Service
  readonly #options: CrossingOptions
  readonly #border: Border
  readonly #roads: Roads
  readonly #watchers: Watchers

  constructor(service: Service, host: CrossingHost, options: CrossingOptions) {
    this.#service = service
    this.#options = options
    const { runtime } = service
    const { router, handles, loads } = runtime
    const now = (): number => service.now()
    const repeats = new Map(
      TROUBLES.map((each) => [each, new Repeats(service, moreLines, 'error')]),
    )
    this.#border = new Border({
      harbor: options.harbor,
      callTimeoutMs: options.callTimeoutMs,
      now,
      send: (...message) => this.#send(...message),
      returned: (source, session, to) => {
        const home = handles.workerOf(to)
        if (home < 0) return
        const place = loads.placeOf(home)
        router.send(PTYPE.SYSTEM, source, to, session, { to, place })
        router.send(PTYPE.SYSTEM, source, to, session, { isSent: true })
      },
      handleOf: (name) => runtime.handleOf(name),
      transmit: (harbor, parcel) => this.#roads.transmit(harbor, parcel),
      say: (trouble, text) => repeats.get(trouble)!.say(text),
    })
    this.#roads = new Roads(
      { ...host, now, dropped: (_harbor, parcel, error) => this.#border.dropped(parcel, error) },
      options,
    )
    this.#watchers = new Watchers({
      send: (...message) => router.send(...message),
      isAlive: (handle) => handles.workerOf(handle) >= 0,
      isAbroad: (handle) => handles.isAbroad(handle),
      lossOf: (harbor) =>
        host.stateOf(harbor) === 'down' ? this.#roads.downError(harbor) : undefined,
    })
  }

  get stat() {
    return { ...this.#border.open, waitingBytes: this.#roads.waitingBytes }
  }

  /** Answers of the border go anywhere; requests of others not to services of the node itself. */
  #send(type: number, to: number, source: number, session: number, value: unknown): boolean {
    if (type !== PTYPE.RESPONSE && type !== PTYPE.ERROR) {
      checkNotNeeded(this.#options, to)
      if (to === this.#service.handle) return false
    }
    return this.#service.runtime.router.send(type, to, source, session, value)
  }

  /** @throws {SkynetError} `ERR_HARBOR_JOIN` when this node has another one. */
  open(): void {
    const { router, handles, worker } = this.#service.runtime
    if (!handles.openAbroad(worker)) {
      const reason = 'this node has joined some already'
      throw new SkynetError('ERR_HARBOR_JOIN', { master: 'this node', reason })
    }
    const forwarder = {
      forward: (...message: Parameters<Crossing['forward']>): void => this.forward(...message),
    }
    router.abroad = new Context(0, 'other harbors', NOBODY, forwarder)
    this.#service.runtime.orders.elsewhere = (message, order) =>
      this.#watchers.order(message, order)
    this.#service.addPart(KEY, this)
    this.#tick()
  }

  #tick(): void {
    this.#service.after(TICK_MS, () => {
      this.#border.tick()
      this.#roads.tick()
      this.#tick()
    })
  }

  /** See `Forwarder`. */
  forward(
    to: number,
    type: number,
    source: number,
    session: number,
    timeoutMs: number,
    bytes: Buffer,
    at: number,
    length: number,
  ): void {
    let value: unknown
    try {
      value = unpack(bytes, at, length, UNBOUND)
    } catch (error) {
      const message = { type, source, session, value: undefined }
      this.#service.runtime.router.refuse(message, to, error)
      return
    }
    this.#border.take(to, { type, source, session, value }, timeoutMs)
  }

  // --- what the connections tell -----------------------------------------------------------------

  /** A frame of another harbor, without its size. @throws {SkynetError} `ERR_HARBOR_PROTOCOL`. */
  receive(body: Buffer): void {
    this.#border.receive(body)
  }

  /** It was written, and could not be sent. */
  dropped(parcel: HarborParcel, error: SkynetError): void {
    this.#border.dropped(parcel, error)
  }

  up(harbor: number): void {
    this.#roads.up(harbor)
  }

  down(harbor: number, reason: string): void {
    this.#roads.down(harbor, reason)
    this.#border.lost(harbor, (call) => this.#roads.lossOf(harbor, call))
    this.#watchers.down(harbor, this.#roads.downError(harbor))
  }

  // --- as a part of the service ------------------------------------------------------------------

  workerDied(dead: ReadonlySet<number>): void {
    // Its last answers come first.
    this.#service.runtime.scheduler.whenTaken(() => this.#border.workerDied(dead))
  }

  /** The service ends: nothing crosses any more. Connections are closed behind what is said now. */
  closing(): void {
    const { router, handles, worker } = this.#service.runtime
    router.abroad = undefined
    handles.closeAbroad(worker)
    this.#service.runtime.orders.elsewhere = undefined
    this.#watchers.end()
    this.#border.end(
      (call) =>
        new SkynetError('ERR_HARBOR_LOST', {
          harbor: call.to >>> 24,
          reason: 'the harbor of this node has ended',
          sent: call.hasLeft ? 'maybe' : 'no',
        }),
    )
  }
}
