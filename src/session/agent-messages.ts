/**
 * What a gate and its agents tell each other: arguments of a method `session`, which both have. A
 * session has a number there, which its gate gives, and never again; who the gate is tells the
 * source of the message.
 */
import type { CloseCode } from '../client/close-codes.ts'
import type { ServiceRef } from '../service/ref.ts'
import type { DetachReason } from './core/client-session.ts'

/** What an agent knows of a session. */
export interface SessionFacts {
  /** The same for all agents that serve it. */
  readonly id: string
  readonly user: string
  /** Where its client is, as far as is known. */
  readonly address: string
  readonly transport: string
  /** How often it has got a connection. */
  readonly epoch: number
  readonly isConnected: boolean
}

/** What became of a request that was not answered: as its client is told. */
export type ToldFailure = readonly [code: string, text: string]
/** An answer is its bytes; undefined: it has not begun, as the session moves to another agent. */
export type Reply = Uint8Array | ToldFailure | undefined

/** From a gate, which waits for the answers of the first five, and of the last. */
export interface ToAgent {
  /**
   * It is yours. Answered when `joined` is done; with a ToldFailure when that refuses. A line is
   * what a gate has with an agent while that has sessions of it.
   */
  open: [key: number, line: number, facts: SessionFacts, bytesMax: number, data: unknown]
  /** Answered with a Reply. */
  request: [key: number, name: string, body: Uint8Array, isQuiet: boolean]
  /** It moves to another agent. Answered behind all requests that were given before. */
  moving: [key: number]
  /** The gate wants it to end. Answered when it may. */
  drain: [key: number]
  /** Another agent has it. Answered behind all that was pushed before. */
  moved: [key: number]
  /** No other agent has taken it: requests follow. */
  stays: [key: number]
  /** It has a connection again, and where. */
  attached: [key: number, facts: SessionFacts]
  detached: [key: number, reason: DetachReason]
  ended: [key: number, code: CloseCode]
  /** Something was lost on the way: all sessions of that line have ended. */
  over: [line: number]
}

/**
 * From an agent; `attach`, `drain` and `over` are calls. In front of each stand its line, and a
 * number: so many were sent in that, itself counted, that are no calls. By it what is lost on the
 * way from another node is missed. Of a call that is refused its caller hears, so it is no gap.
 */
export interface ToGate {
  push: [key: number, event: string, body: Uint8Array, latest: string | undefined]
  /** The same to many. */
  pushAll: [keys: number[], event: string, body: Uint8Array, latest: string | undefined]
  kick: [key: number, code: CloseCode, text: string]
  /** Another agent is to have it. Answered when that has it, or as `open`. */
  attach: [key: number, agent: ServiceRef, data: unknown]
  /** Answered when its client has got what was pushed before. */
  drain: [key: number]
  /** Something was lost on the way, as the number -1 says, which is nobody's turn. */
  over: []
}
