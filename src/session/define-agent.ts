/** `defineAgent`: a service that serves the clients of gates. */
import { checkFunction, isObject, refusal } from '../base/check.ts'
import type { ClientProtocol } from '../client/client-protocol.ts'
import { type Methods, makeDefinition, type ServiceDefinition } from '../modules/definition.ts'
import { isThenable } from '../service/sendable.ts'
import { Skynet } from '../skynet/skynet.ts'
import { AgentCalls } from './agent-calls.ts'
import {
  type AgentDefinition,
  checkAgent,
  type DataOfAgent,
  type MethodsOfAgent,
  type NothingElse,
} from './agent-definition.ts'
import { AgentDesk } from './agent-desk.ts'
import type { AgentMethods } from './session.ts'

const WHAT = 'define an agent'

/**
 * Define an agent: a service whose clients are those of `protocol`, the default export of its
 * module. One agent may serve one session, or thousands; it knows nothing of gates and connections.
 *
 *     export default defineAgent(canvas, (skynet) => ({
 *       calls: {
 *         draw: (session, line) => { … },
 *       },
 *     }))
 *
 * @param setup As that of `defineService`: once for each instance, on the worker where it lives. It
 * returns a handler for each call of the protocol, hooks, and methods for other services.
 * @throws {TypeError} For no protocol. Of what `setup` returns, the launch: it names the call that
 * is missing, or what there is not.
 */
export function defineAgent<
  P extends ClientProtocol,
  Args extends readonly unknown[],
  Agent extends AgentDefinition<P> & NothingElse<P, Agent>,
>(
  protocol: P,
  setup: (skynet: Skynet, ...args: Args) => Agent | Promise<Agent>,
): ServiceDefinition<Args, MethodsOfAgent<Agent> & AgentMethods<P, DataOfAgent<Agent>>, Skynet> {
  checkProtocol(WHAT, protocol)
  checkFunction(WHAT, 'setup', setup)
  const serve = (skynet: Skynet, options: unknown): Methods => {
    const agent = checkAgent(protocol, options)
    const calls = new AgentCalls(Skynet.serviceOf(skynet), protocol, agent)
    const desk = new AgentDesk(skynet, calls, agent)
    return withMethod(agent.methods, desk.take.bind(desk))
  }
  const definition = (skynet: Skynet, ...args: Args): Methods | Promise<Methods> => {
    const options: unknown = setup(skynet, ...args)
    if (!isThenable(options)) return serve(skynet, options)
    return Promise.resolve(options).then((agent) => serve(skynet, agent))
  }
  return makeDefinition(definition, defineAgent) as never
}

/** @throws {TypeError} Unless `clientProtocol` has made it. */
export function checkProtocol(what: string, protocol: unknown): void {
  const { login, calls, events } = Object(protocol) as Partial<ClientProtocol>
  if (isObject(login) && isObject(calls) && isObject(events)) return
  throw refusal('type', what, 'protocol', 'made by clientProtocol', protocol)
}

/** The author's object stays as it is: it may be that of another instance, too. */
function withMethod(methods: Methods, session: unknown): Methods {
  const all: Record<string, unknown> = Object.assign(Object.create(null), { session })
  // Those of a class are not its own, and are of its instance only.
  for (let at: object = methods; at !== Object.prototype && at !== null; ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name === 'constructor' || name in all) continue
      const method: unknown = Reflect.get(methods, name)
      if (typeof method === 'function') all[name] = method.bind(methods)
    }
    at = Object.getPrototypeOf(at)
  }
  return all as Methods
}
