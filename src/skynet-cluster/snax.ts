/** Services of Skynet that are written with snax: their methods have numbers on the way. */
import { checkArray, refusal } from '../base/check.ts'
import { SNAX_FIRST_ID } from './registered-names.ts'
import type { Target } from './request-frames.ts'
import type { SnaxMethod } from './words.ts'

/** Names of `response.x`, or of `accept.x`, of a list of methods. */
type NamesOf<M extends SnaxMethod, Kind extends string> = M extends `${Kind}.${infer Name}`
  ? Name
  : never

/** A snax service of another node, as `snax.bind` gives one. */
export interface RemoteSnax<M extends SnaxMethod = SnaxMethod> {
  readonly node: string
  /** Of the service, on its node. */
  readonly address: Target
  /** `response.x` of it: its first value. Rejects as `cluster.call`. */
  readonly req: {
    readonly [K in NamesOf<M, 'response'>]: (...args: readonly unknown[]) => Promise<unknown>
  }
  /** `accept.x` of it: not answered. */
  readonly post: { readonly [K in NamesOf<M, 'accept'>]: (...args: readonly unknown[]) => void }
}

/** What it needs of the cluster: `values` begin with the number of the method. */
export interface SnaxCaller {
  call(values: readonly unknown[]): Promise<unknown>
  send(values: readonly unknown[]): void
}

const METHOD = /^(?:response|accept)\.[^.]+$/

/** @throws {TypeError} Unless they are names of methods. */
export function checkSnaxMethods(what: string, methods: unknown): void {
  checkArray(what, 'methods', methods)
  for (const method of methods as readonly unknown[]) {
    if (typeof method === 'string' && METHOD.test(method)) continue
    throw refusal('value', what, 'methods', `names as 'response.ping' or 'accept.hello'`, method)
  }
}

/** @param methods In the order in which the file of the service defines them. */
export function remoteSnax<const M extends SnaxMethod>(
  node: string,
  address: Target,
  methods: readonly M[],
  caller: SnaxCaller,
): RemoteSnax<M> {
  const req = Object.create(null) as Record<string, unknown>
  const post = Object.create(null) as Record<string, unknown>
  for (const [i, method] of methods.entries()) {
    const [kind = '', name = ''] = method.split('.')
    const id = i + SNAX_FIRST_ID
    if (kind === 'response') req[name] = (...args: unknown[]) => caller.call([id, ...args])
    else post[name] = (...args: unknown[]) => caller.send([id, ...args])
  }
  return { node, address, req, post } as RemoteSnax<M>
}
