/** `defineGate`: a service that lets clients in, and gives each a session. */
import type { ClientProtocol } from '../client/client-protocol.ts'
import { type Methods, makeDefinition, type ServiceDefinition } from '../modules/definition.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { checkProtocol } from './define-agent.ts'
import { SessionGate, type SessionGateStat } from './gate.ts'
import { checkSessionGate, type DrainOptions, type SessionGateOptions } from './gate-options.ts'
import type { GateOrders } from './gate-orders.ts'
import type { KickCode } from './kick-codes.ts'
import type { FittingAnswer, LoginAnswer, TypedAnswer } from './login-answer.ts'
import type { EntrancePlace } from './reception.ts'
import type { KickTarget } from './users.ts'

/** What other services may ask of a gate. */
export interface SessionGateMethods {
  /** Where clients come in: of `port: 0` the ports that are really open. */
  places(): readonly EntrancePlace[]
  /** False from the moment on when it drains: what a load balancer should be told. */
  isReady(): boolean
  stat(): SessionGateStat
  /**
   * End sessions, and tell their clients why.
   *
   * @param who `{ user }`, all of whose sessions end; or `{ session }`, that of this id.
   * @param code One that ends a session.
   * @param text For people. Default: that of the code.
   * @returns So many have ended.
   */
  kick(who: KickTarget, code?: KickCode, text?: string): number
  /**
   * Send all clients away, before a deploy: at once nobody gets a new session, and `isReady` is
   * false. Sessions are told in batches, when their agents let them go (`draining`), to come back
   * after a random time. Again: waits for the first one.
   *
   * @returns Resolves when the last session is over.
   */
  drain(options?: DrainOptions): Promise<void>
}

/** The options of a gate, or what makes them, as the setup of a service. */
export type GateSetup<
  P extends ClientProtocol,
  Args extends readonly unknown[],
  Answer = LoginAnswer<P>,
  Options = unknown,
> = (
  skynet: Skynet,
  ...args: Args
) => (Options & SessionGateOptions<P, Answer>) | Promise<Options & SessionGateOptions<P, Answer>>

/** What a function returns may have more than was asked for: no option that is misspelt. */
type NoOther<Options> = {
  readonly [Name in Exclude<
    keyof Options & string,
    keyof SessionGateOptions
  >]: 'A gate has no such option'
}

/**
 * Define a gate: a service that lets the clients of `protocol` in, the default export of its
 * module. It knows nothing of what they say: that is for its agents (`defineAgent`).
 *
 *     export default defineGate(canvas, {
 *       listen: tcp({ port: 7000 }),
 *       login: async (skynet, { name }) => {
 *         const agent = await skynet.uniqueService<typeof room>('./room.ts')
 *         return { user: name, agent }
 *       },
 *     })
 *
 * @param setup Its options; or a function that makes them, for each instance.
 * @throws {TypeError} For no protocol. For options that are wrong, the launch: it names them.
 */
export function defineGate<
  P extends ClientProtocol,
  Answer extends FittingAnswer<P, Answer>,
  Args extends readonly unknown[] = readonly [],
  Options extends NoOther<Options> = object,
>(
  protocol: P,
  // Of both, as the compiler settles what a login without parameters returns at the first signature
  // that it tries: whether `'red'` is to be any text.
  setup: SessionGateOptions<P, Answer> | GateSetup<P, Args, Answer, Options>,
): ServiceDefinition<Args, SessionGateMethods, Skynet>
// For functions around it that are generic in the data of their logins.
export function defineGate<
  P extends ClientProtocol,
  Data = never,
  Args extends readonly unknown[] = readonly [],
  Options extends NoOther<Options> = object,
>(
  protocol: P,
  setup:
    | SessionGateOptions<P, TypedAnswer<P, Data>>
    | GateSetup<P, Args, TypedAnswer<P, Data>, Options>,
): ServiceDefinition<Args, SessionGateMethods, Skynet>
// The last one is what the compiler speaks of: most gates are options.
export function defineGate<P extends ClientProtocol, Answer extends FittingAnswer<P, Answer>>(
  protocol: P,
  setup: SessionGateOptions<P, Answer>,
): ServiceDefinition<readonly [], SessionGateMethods, Skynet>
export function defineGate<P extends ClientProtocol>(
  protocol: P,
  setup: SessionGateOptions<P> | GateSetup<P, readonly unknown[]>,
): ServiceDefinition<readonly unknown[], SessionGateMethods, Skynet> {
  checkProtocol('define a gate', protocol)
  const isMade = typeof setup === 'function'
  if (!isMade) checkSessionGate(setup)
  const open = async (skynet: Skynet, ...args: readonly unknown[]): Promise<Methods> => {
    const options: unknown = isMade ? await setup(skynet, ...args) : setup
    const gate = new SessionGate(skynet, protocol, checkSessionGate(options))
    await gate.open()
    return methodsOf(gate)
  }
  return makeDefinition(open, defineGate) as never
}

const methodsOf = (gate: SessionGate): SessionGateMethods & Methods => {
  const methods: SessionGateMethods = {
    places: () => gate.places,
    isReady: () => gate.isReady,
    stat: () => gate.stat(),
    kick: (who, code, text) => gate.kick(who, code, text),
    drain: (options) => gate.drain(options),
  }
  const session: GateOrders['take'] = (...order) => gate.orders.take(...order)
  return Object.assign(methods, { session })
}
