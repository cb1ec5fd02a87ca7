/** What clients ask of one agent: bytes to a request, its handler, and back to bytes. */
import { SkynetError } from '../base/errors.ts'
import { describe } from '../base/thrown.ts'
import type { MessageBodies } from '../client/bodies.ts'
import type { ClientProtocol } from '../client/client-protocol.ts'
import { validated } from '../codec/define-protocol.ts'
import { Repeats, type RepeatsHost } from '../service/repeats.ts'
import { isThenable } from '../service/sendable.ts'
import type { CheckedAgent } from './agent-definition.ts'
import type { Reply } from './agent-messages.ts'
import { serverBodies } from './server-bodies.ts'
import { Session } from './session.ts'
import { badMessage, HANDLER_FAILED, toldOf, unknownCall } from './told-errors.ts'

/** Of the message around a body: what says which it is, its number, the length of its name. */
const HEAD_BYTES = 16

export class AgentCalls {
  readonly #protocol: ClientProtocol
  readonly #agent: CheckedAgent
  readonly #bodies: MessageBodies
  readonly #faults: Repeats

  constructor(service: RepeatsHost, protocol: ClientProtocol, agent: CheckedAgent) {
    this.#protocol = protocol
    this.#agent = agent
    this.#bodies = serverBodies(protocol)
    const more = (count: number): string => `${count} more calls of clients have failed`
    this.#faults = new Repeats(service, more, 'error')
  }

  /** Never throws or rejects. */
  handle(
    session: Session,
    name: string,
    body: Uint8Array,
    isQuiet: boolean,
  ): Reply | Promise<Reply> {
    const call = this.#protocol.calls[name]
    if (call === undefined) return unknownCall(name)
    let request: unknown
    try {
      if (call.request !== undefined) {
        request = validated(name, call.request, this.#bodies.decode('request', name, body))
      }
    } catch (error) {
      return badMessage(error)
    }
    const reply = (value: unknown): Reply => this.#reply(session, name, isQuiet ? undefined : value)
    const failed = (error: unknown): Reply => this.#failed(session, name, error)
    try {
      const answer = this.#agent.calls[name]!(session, request)
      if (isThenable(answer)) return Promise.resolve(answer).then(reply).catch(failed)
      return reply(answer)
    } catch (error) {
      return failed(error)
    }
  }

  #reply(session: Session, name: string, value: unknown): Reply {
    const body = this.#bodies.encode('response', name, value)
    checkLength(body.length, Session.placeOf(session).bytesMax)
    return body
  }

  #failed(session: Session, name: string, error: unknown): Reply {
    const told = toldOf(error)
    if (told !== undefined) return told
    this.#faults.say(`call ${name} of ${session.user} failed: ${describe(error)}`)
    return HANDLER_FAILED
  }

  /**
   * The bytes of an event.
   *
   * @throws {SkynetError} `ERR_FRAME_TOO_LARGE`; `TypeError` for no event; what the codec throws.
   */
  event(name: string, value: unknown, bytesMax: number): Uint8Array {
    if (this.#protocol.events[name] === undefined) {
      throw new TypeError(`Cannot push '${name}': the protocol has no such event`)
    }
    const body = this.#bodies.encode('event', name, value)
    checkLength(body.length + Buffer.byteLength(name), bytesMax)
    return body
  }
}

/** @throws {SkynetError} `ERR_FRAME_TOO_LARGE`. */
function checkLength(length: number, limit: number): void {
  const bytes = length + HEAD_BYTES
  if (bytes > limit) throw new SkynetError('ERR_FRAME_TOO_LARGE', { bytes, limit })
}
