/** What an agent is made of, as its author gives it, and checked. */
import { checkFunction, checkOptions, checkPlain, isObject, refusal } from '../base/check.ts'
import type { CallsOf, ClientProtocol } from '../client/client-protocol.ts'
import type { CloseCode } from '../client/close-codes.ts'
import type { Methods, NoMethods } from '../modules/definition.ts'
import type { DetachReason } from './core/client-session.ts'
import type { Session } from './session.ts'

/** A call without a response may return nothing at all. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that returns nothing is one of void
type ResponseValue<T> = [undefined] extends [T] ? T | void : T

/** The handlers of a protocol: one for each of its calls, none besides. */
export type CallHandlers<P extends ClientProtocol> = {
  readonly [Name in keyof CallsOf<P>]: (
    session: Session<P>,
    request: CallsOf<P>[Name]['validRequest'],
  ) =>
    | ResponseValue<CallsOf<P>[Name]['response']>
    | Promise<ResponseValue<CallsOf<P>[Name]['response']>>
}

/** What the setup of an agent returns. */
export interface AgentDefinition<
  P extends ClientProtocol = ClientProtocol,
  M extends Methods = Methods,
> {
  /**
   * What clients may ask. Requests of one session begin in the order in which they were sent; one
   * that awaits something does not keep the next one waiting (`skynet.queue()` does).
   *
   * What is thrown is told to the client as `ERR_HANDLER`, without its text, and logged here; but
   * `ClientFault` as it is, and the codes of calls that failed: `ERR_CALL_DEAD` and its like.
   */
  readonly calls: CallHandlers<P>
  /**
   * A session is this agent's from now on: a login, or another agent has handed it over. Requests
   * wait until this is done. When it throws, the session ends, or stays where it was.
   *
   * @param data What the login, or `session.attach`, has given along. Say its type: then whoever
   * gives something else does not compile.
   */
  joined?(session: Session<P>, data: unknown): unknown
  /** Its client is away. What is pushed is kept for the `keepMs` of the gate. */
  dropped?(session: Session<P>, reason: DetachReason): unknown
  /** Its client is there again. */
  back?(session: Session<P>): unknown
  /**
   * The gate drains, as its node stops: the session ends when this is done, so a match may be
   * played to its end. Missing: at once. Its client may come back meanwhile.
   */
  draining?(session: Session<P>): unknown
  /** It has ended; not told of one that was handed over. */
  left?(session: Session<P>, code: CloseCode): unknown
  /** For other services: what `defineService` returns. */
  readonly methods?: M
}

/**
 * What is neither of an agent nor a call of its protocol must not be there: else a hook that is
 * misspelt would do nothing. The compiler looks for more than is asked for in what is written out
 * as an argument, and not in what a function returns.
 */
export type NothingElse<P extends ClientProtocol, Agent> = {
  readonly [Name in Exclude<
    keyof Agent & string,
    keyof AgentDefinition
  >]: 'An agent has no such hook'
} & {
  readonly calls: Agent extends { readonly calls: infer Calls }
    ? {
        readonly [Name in Exclude<
          keyof Calls & string,
          keyof CallsOf<P>
        >]: 'The protocol has no such call'
      }
    : unknown
}

/** The methods of an agent for other services. */
export type MethodsOfAgent<Agent> = Agent extends { readonly methods?: infer M }
  ? 'methods' extends keyof Agent
    ? Extract<M, Methods>
    : NoMethods
  : NoMethods

/** What its `joined` takes besides a session. */
export type DataOfAgent<Agent> = Agent extends {
  readonly joined: (session: never, data: infer Data) => unknown
}
  ? Data
  : unknown

export type CheckedAgent = Pick<
  AgentDefinition<ClientProtocol, Methods>,
  'joined' | 'dropped' | 'back' | 'left' | 'draining'
> & {
  readonly calls: Readonly<Record<string, (session: Session, request: unknown) => unknown>>
  readonly methods: Methods
}

const WHAT = 'define an agent'
const HOOKS = ['joined', 'dropped', 'back', 'left', 'draining'] as const
const NAMES = ['calls', 'methods', ...HOOKS]
/** The method that gates call. */
const OURS = 'session'

/** @throws {TypeError} It names the field that is wrong, or the call that is missing. */
export function checkAgent(protocol: ClientProtocol, options: unknown): CheckedAgent {
  checkPlain(WHAT, 'agent', options)
  checkOptions(WHAT, 'agent', options, NAMES)
  const { calls, methods = {}, ...hooks } = options as CheckedAgent
  checkPlain(WHAT, 'calls', calls)
  checkOptions(WHAT, 'calls', calls, Object.keys(protocol.calls))
  for (const name of Object.keys(protocol.calls)) {
    checkFunction(WHAT, `calls.${name}`, Object.hasOwn(calls, name) ? calls[name] : undefined)
  }
  for (const name of HOOKS) if (hooks[name] !== undefined) checkFunction(WHAT, name, hooks[name])
  if (!isObject(methods)) throw refusal('type', WHAT, 'methods', 'an object', methods)
  if (OURS in methods) {
    throw refusal('value', WHAT, 'methods', `without '${OURS}', which gates call`, methods)
  }
  return { ...hooks, calls: Object.assign(Object.create(null), calls), methods }
}
