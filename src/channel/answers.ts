/** What a channel is told of the answers of its peer, and by whom: the contract of parsers. */
import type { ChannelInput } from './input.ts'

/** An answer that came whole. */
export interface WholeAnswer<T> {
  readonly ok: true
  readonly data: T
  readonly padding?: undefined
}

/** A part of an answer. `padding`: more of it comes. Who asked gets a list of the parts. */
export interface AnswerPart<T> {
  readonly ok: true
  readonly data: T
  readonly padding: boolean
}

/** The peer says no. Who asked gets this error; the connection goes on. */
export interface FailedAnswer {
  readonly ok: false
  readonly data: string | Error
}

/** As Skynet's response functions return it: ok, data, padding. */
export type Answer<T = unknown> = WholeAnswer<T> | AnswerPart<T> | FailedAnswer

/** What a request resolves with, when its answers are of this type. */
export type DataOf<A> = A extends { readonly ok: false }
  ? never
  : A extends { readonly data: infer T; readonly padding: boolean }
    ? T[]
    : A extends { readonly data: infer T }
      ? T
      : never

/**
 * Reads one answer, and nothing of the next one. What it throws closes the connection: where the
 * next answer begins, nobody knows.
 */
export type AnswerReader<A extends Answer = Answer> = (input: ChannelInput) => A | Promise<A>

/** Of a channel with sessions: which request it answers. */
export type SessionAnswer<S = unknown, A extends Answer = Answer> = A & { readonly session: S }

/** Reads the next answer, whichever request it is for. As an `AnswerReader` otherwise. */
export type SessionReader<S = unknown, A extends Answer = Answer> = (
  input: ChannelInput,
) => SessionAnswer<S, A> | Promise<SessionAnswer<S, A>>

/** Where a parser puts what it has found. The answers are for those who asked, in their order. */
export interface AnswerSink<T> {
  /** @param padding As in `Answer`: absent for an answer that is whole. */
  answer(data: T, padding?: boolean): void
  /** The peer says no. */
  failure(reason: string | Error): void
}

/** The same where each answer names its request. */
export interface SessionSink<S, T> {
  answer(session: S, data: T, padding?: boolean): void
  failure(session: S, reason: string | Error): void
}

/** Is given bytes as they come, cut anywhere. The fast way: no promise for each answer. */
export interface ChunkParser {
  /**
   * Put all answers that are complete into the sink. The chunk is the parser's.
   *
   * What this throws closes the connection.
   */
  take(chunk: Buffer): void
}
