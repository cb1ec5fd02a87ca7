/** What a login gives, and what the compiler asks of it: data that its agent takes. */
import type { ClientProtocol } from '../client/client-protocol.ts'
import type { ServiceRef } from '../service/ref.ts'
import type { AgentRef, JoinData } from './session.ts'

/** Whose session it is to be, and who serves it. `Data` is what `joined` of that agent takes. */
export type LoginAnswer<P extends ClientProtocol = ClientProtocol, Data = unknown> = AnswerParts &
  JoinData<Data> &
  Named<Data> & {
    /** Wherever it is: on this worker, another one, another node. */
    readonly agent: AgentRef<P, Data>
  }

declare const DATA: unique symbol

/** No field: of the type of an answer, where there is none yet, the compiler takes `Data` by it. */
interface Named<Data> {
  readonly [DATA]?: Data
}

/**
 * An answer whose type is `LoginAnswer`, where `Data` may be a type parameter: of that nothing can
 * be asked. What an answer that is written out has says nothing here: `FittingAnswer` looks at it.
 */
export type TypedAnswer<P extends ClientProtocol, Data> = NoInfer<LoginAnswer<P, Data>> &
  Named<Data>

interface AnswerParts {
  /** For `sameUser`, `kick`, and the agent; not empty. */
  readonly user: string
  /**
   * Called when the client has no session after all: it left during its login, or is refused. An
   * agent that was launched for it alone is ended here: `unused: () => skynet.kill(agent)`.
   */
  readonly unused?: () => unknown
}

/**
 * What a login must give, of what it gives: each answer fits the agent that it names, as one client
 * may go to the lobby and the next one to his match. Mapped, as the compiler maps each part of a
 * union by itself, and as no other type may be asked of a type parameter of what it is.
 */
export type FittingAnswer<P extends ClientProtocol, Answer> = {
  readonly [Name in keyof Answer]: Name extends keyof LoginAnswer
    ? FittingParts<P, Answer, AgentData<Answer[keyof Answer & 'agent']>>[Name]
    : 'A login gives no such thing'
} & AnswerParts & { readonly agent: unknown; readonly data?: Exact & SomeData<Answer> }

interface FittingParts<P extends ClientProtocol, Answer, Data> extends AnswerParts, Named<unknown> {
  readonly agent: AgentRef<P, 'data' extends keyof Answer ? Data : MissingData<Data>>
  readonly data: Data & NoMore<Answer[keyof Answer & 'data'], Data>
}

/** What is written out as data has no field that the agent does not take: one that is misspelt. */
type NoMore<Given, Data> = Given extends readonly unknown[]
  ? Given
  : Given extends object
    ? {
        readonly [Name in Exclude<
          keyof Given & string,
          FieldsOf<Data>
        >]: 'The agent takes no such thing'
      }
    : Given

/** Of a union those of all its parts. */
type FieldsOf<Data> = unknown extends Data ? PropertyKey : Data extends unknown ? keyof Data : never

type MissingData<Data> = undefined extends Data ? Data : undefined

/**
 * What the agents take that are given some: an answer without any would let one pass that has some
 * for the same agent, whatever it is.
 */
type SomeData<Answer> = [GivenData<Answer>] extends [never] ? unknown : GivenData<Answer>

type GivenData<Answer> = Answer extends { readonly agent: infer Agent; readonly data?: infer Given }
  ? 'data' extends keyof Answer
    ? unknown extends AgentData<Agent>
      ? Given
      : AgentData<Agent>
    : never
  : never

/** What an agent takes; of one of two agents, what both take. */
type AgentData<Agent> = [Agent] extends [
  ServiceRef<{ readonly session: (what: string, given?: [infer Data]) => unknown }>,
]
  ? unknown extends Data
    ? unknown
    : Data
  : unknown

/** Anything; but of `{ kind: 'a' }` the compiler keeps that it is `'a'`, and not just any text. */
// biome-ignore lint/complexity/noBannedTypes: with `unknown` in it a union is just that
type Exact = '' | 0 | true | readonly [] | readonly Exact[] | ExactFields | {} | null | undefined

interface ExactFields {
  readonly [name: string]: Exact
}
