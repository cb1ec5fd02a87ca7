/** Requests for a WebSocket that an HTTP server hands over: shaking hands, or saying why not. */
import type { IncomingMessage } from 'node:http'
import { isSkynetError } from '../../base/errors.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { Skynet } from '../../skynet/skynet.ts'
import { withoutBegin } from '../../sockets/begun-stream.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import type { FrameCarrier } from '../../sockets/frame-carrier.ts'
import { Refused } from '../../sockets/refused.ts'
import { TrustedProxies } from '../trust.ts'
import { answerHandshake, type HandshakeRules, type NotAccepted, refusalText } from './handshake.ts'
import { type Agreed, carrierOf } from './rules.ts'
import { testOf, type UpgradeOptions } from './server-options.ts'
import { RequestMaker, type WebSocketRequest } from './websocket-request.ts'

/** Who has shaken hands. */
export interface Shaken {
  readonly carrier: FrameCarrier
  readonly agreed: Agreed
  /** What came behind the request. */
  readonly head: Buffer
}

/** Takes clients, or refuses them. */
export interface Admission {
  /**
   * Somebody is there, and nothing was spent on him.
   *
   * @param message The request as it was, with its connection.
   * @returns Undefined: turn him away. Else it is told how that went on.
   */
  knock(request: WebSocketRequest, message: IncomingMessage): Admitted | undefined
}

export interface Admitted {
  enter(shaken: Shaken): void
  leave(): void
}

const NO_ROOM: NotAccepted = { status: 503, reason: 'There is no room' }

export class Upgrader {
  readonly #rules: HandshakeRules
  readonly #requests: RequestMaker
  readonly #admission: Admission
  readonly #refused: Refused
  readonly #stop: () => void

  /** @throws `TypeError`, `RangeError` for `trust`. */
  constructor(
    skynet: Skynet,
    server: HttpServer,
    what: string,
    options: UpgradeOptions & { readonly deflate?: boolean },
    admission: Admission,
  ) {
    const { origins, subprotocols, deflate = false, trust } = options
    this.#rules = { origins, subprotocols, deflate }
    this.#requests = new RequestMaker(server, trust && new TrustedProxies(trust, what))
    this.#admission = admission
    this.#refused = new Refused(Skynet.serviceOf(skynet))
    this.#stop = server.upgrade(testOf(options), (request, stream) => this.#take(request, stream))
  }

  /** Take nobody any more. */
  stop(): void {
    this.#stop()
  }

  #take(message: IncomingMessage, stream: ByteStream): void {
    const request = this.#requests.requestOf(message, stream)
    const admitted = this.#admission.knock(request, message)
    if (admitted === undefined) {
      this.#refuse(stream, NO_ROOM)
      return
    }
    const answer = answerHandshake(message, this.#rules)
    if (answer.status === 101 && said(stream, answer.text)) {
      const { stream: below, begin: head } = withoutBegin(stream)
      admitted.enter({ carrier: carrierOf(below), agreed: answer, head })
      return
    }
    if (answer.status !== 101) this.#refuse(stream, answer)
    admitted.leave()
  }

  #refuse(stream: ByteStream, why: NotAccepted): void {
    this.#refused.turnAway(stream, () => {
      if (stream.isOpen) stream.write(refusalText(why))
    })
  }
}

/** @returns False: the client is gone already. */
function said(stream: ByteStream, text: string): boolean {
  try {
    stream.write(text)
    return true
  } catch (error) {
    if (!isSkynetError(error)) throw error
    stream.close().catch(() => {})
    return false
  }
}
