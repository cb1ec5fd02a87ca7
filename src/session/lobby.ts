/** The door of a gate: who may come in, how many at a time, and what the others are told. */
import { FIN_WAIT_MS, REFUSED_MAX, SESSION_VISITORS_MAX } from '../base/limits.ts'
import { CLOSE_CODES, type CloseCode } from '../client/close-codes.ts'
import { encodeWire, FROM_SERVER } from '../client/wire.ts'
import type { Timer } from '../kernel/timer.ts'
import { Repeats, type RepeatsHost } from '../service/repeats.ts'
import type { ClientDoor, ClientVisit } from '../skynet/client-transport.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { type AddressLimits, type AddressPlace, ClientAddresses } from './client-addresses.ts'
import { closeReason } from './gate-link.ts'

/** What a lobby needs of the service of its gate. */
export interface LobbyService extends RepeatsHost {
  now(): number
  after(ms: number, task: () => void): Timer
}

/** Who is told of those who come. */
export interface LobbyHost {
  /** Somebody is in. */
  entered(stream: MessageStream, address: string, transport: string, stranger: Stranger): void
  refused(code: CloseCode): void
}

export interface LobbyOptions {
  readonly perAddress: AddressLimits
  readonly loginTimeoutMs: number
  readonly messageBytesMax: number
  readonly sendLimitBytes: number
  readonly listenWhileStopping: boolean
}

export class Lobby {
  readonly #service: LobbyService
  readonly #host: LobbyHost
  readonly #options: LobbyOptions
  readonly #addresses: ClientAddresses
  readonly #refusals: Repeats
  readonly #visits = new Set<Visit>()
  /** Those who are in, or at their handshake, and have no session. */
  #strangers = 0
  /** Refused ones that may still hear why. */
  #hearing = 0

  constructor(service: LobbyService, host: LobbyHost, options: LobbyOptions) {
    this.#service = service
    this.#host = host
    this.#options = options
    this.#addresses = new ClientAddresses(options.perAddress, () => service.now())
    const more = (count: number): string => `gate: ${count} more clients were refused`
    this.#refusals = new Repeats(service, more, 'error')
  }

  get strangers(): number {
    return this.#strangers
  }

  /** What a transport of that kind is given. */
  doorOf(transport: string): ClientDoor {
    const { messageBytesMax, sendLimitBytes, listenWhileStopping } = this.#options
    const knock = (address: string): ClientVisit | undefined => this.#knock(transport, address)
    return { messageBytesMax, sendLimitBytes, listenWhileStopping, knock }
  }

  #knock(transport: string, address: string): ClientVisit | undefined {
    const stranger = this.#strangerOf(address)
    if (typeof stranger === 'string' && !this.#mayHear(stranger, address)) return undefined
    const visit = new Visit(this.#options.loginTimeoutMs, this.#service, {
      entered: (stream) => {
        this.#visits.delete(visit)
        if (typeof stranger === 'string') tell(stream, stranger)
        else this.#host.entered(stream, address, transport, stranger)
      },
      left: () => {
        this.#visits.delete(visit)
        if (typeof stranger === 'string') return
        stranger.known()
        stranger.left()
      },
    })
    this.#visits.add(visit)
    return visit
  }

  #strangerOf(address: string): Stranger | CloseCode {
    if (this.#strangers >= SESSION_VISITORS_MAX) return 'full'
    const place = this.#addresses.enter(address)
    if (typeof place === 'string') return place
    this.#strangers++
    return new Stranger(place, () => this.#strangers--)
  }

  /** Of a flood only the first hear why. */
  #mayHear(code: CloseCode, address: string): boolean {
    this.#host.refused(code)
    this.#refusals.say(`gate: refused ${address}: ${code}`)
    if (this.#hearing >= REFUSED_MAX) return false
    this.#hearing++
    this.#service.after(FIN_WAIT_MS, () => this.#hearing--)
    return true
  }

  /** Whoever is at his handshake goes. */
  close(): void {
    for (const visit of this.#visits) visit.end()
  }
}

/** Who was let in, as long as he counts: at the gate while he has no session, and at his home. */
export class Stranger {
  readonly #place: AddressPlace
  readonly #leave: () => void
  /** Among the strangers of the gate. */
  #isHere = true
  /** Among those of his address. */
  #isStranger = true

  constructor(place: AddressPlace, leave: () => void) {
    this.#place = place
    this.#leave = leave
  }

  /**
   * The gate has sent him away, or he is gone: he takes no place of others from now on. What he has
   * not heard yet lingers, over KCP for seconds: that is at the cost of his address.
   */
  closed(): void {
    if (!this.#isHere) return
    this.#isHere = false
    this.#leave()
  }

  /** He has a session; or no login runs for him any more. */
  known(): void {
    this.closed()
    if (!this.#isStranger) return
    this.#isStranger = false
    this.#place.known()
  }

  /** His connection is over, once. A login may go on. */
  left(): void {
    this.#place.leave()
    if (!this.#isHere) this.known()
  }
}

interface VisitEnds {
  entered(stream: MessageStream): void
  left(): void
}

class Visit implements ClientVisit {
  readonly #ms: number
  readonly #host: Pick<LobbyService, 'after'>
  readonly #ends: VisitEnds
  /** Made for those who have a handshake. */
  #expiry: AbortController | undefined
  #timer: Timer | undefined
  #isOver = false

  constructor(ms: number, host: Pick<LobbyService, 'after'>, ends: VisitEnds) {
    this.#ms = ms
    this.#host = host
    this.#ends = ends
  }

  get signal(): AbortSignal {
    if (this.#expiry === undefined) {
      this.#expiry = new AbortController()
      this.#timer = this.#host.after(this.#ms, () => this.end())
    }
    return this.#expiry.signal
  }

  enter(stream: MessageStream): void {
    // Too late: as if he had left.
    if (this.#expiry?.signal.aborted === true) this.leave()
    if (this.#finish()) this.#ends.entered(stream)
    else stream.close().catch(() => {})
  }

  leave(): void {
    if (this.#finish()) this.#ends.left()
  }

  /** It has taken too long, or the gate closes. */
  end(): void {
    this.#expiry?.abort()
  }

  #finish(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#timer?.cancel()
    return true
  }
}

/** The one thing that a client hears who may not come in. */
function tell(stream: MessageStream, code: CloseCode): void {
  const { webSocket, text, retryMs, ends } = CLOSE_CODES[code]
  const isOver = ends ? 1 : 0
  try {
    stream.send(encodeWire(FROM_SERVER, { kind: 'close', code, text, retryMs, isOver }))
  } catch {
    // It is gone already.
  }
  stream.close(webSocket, closeReason(text)).catch(() => {})
}
