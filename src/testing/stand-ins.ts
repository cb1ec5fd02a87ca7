/** Stand-ins for services that the one under test talks to: methods of the test, in their place. */
import { isAbsolute } from 'node:path'
import { isObject, refusal } from '../base/check.ts'
import { messageOf } from '../base/thrown.ts'
import { type AnyService, isServiceDefinition, type Methods } from '../modules/definition.ts'
import { type LoadedService, moduleOf, resolveService } from '../modules/modules.ts'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'

/** A stand-in for a service: its methods, also those of a class instance, or a whole service. */
export type Peer =
  | Methods
  | AnyService
  // Written in place, an object may have only what its type names: here, functions by any name.
  | ({ readonly [method: string]: (...args: never[]) => unknown } & { readonly then?: never })

export type Peers = Readonly<Record<string, Peer>>

/** @returns The URL by which a definition can be launched; `name` is how it is shown. */
type Register = (definition: AnyService, name: string) => string

export class StandIns {
  /** To be launched at the start: they have these names. */
  readonly named: (readonly [name: string, peer: AnyService])[] = []
  /** By URL of the module that each stands for, or by the name that it is launched by. */
  readonly #urls = new Map<string, string>()
  readonly #launch: (url: string) => void

  /**
   * @param base Paths are relative to that module, as those that it launches are.
   * @param launch Called for one that somebody waits for: nobody else might launch it.
   * @throws {TypeError} There is no module that such a stand-in could stand for.
   */
  constructor(peers: Peers, base: string, register: Register, launch: (url: string) => void) {
    this.#launch = launch
    for (const [key, peer] of Object.entries(peers)) {
      const isPath = /^\.{0,2}\/|^file:/.test(key) || isAbsolute(key)
      if (!isPath && key.startsWith('.')) this.named.push([key, namedService(key, peer)])
      else {
        const place = isPath ? moduleAt(key, base) : key
        this.#urls.set(place, register(serviceOf(peer), key.slice(key.lastIndexOf('/') + 1)))
      }
    }
  }

  /** As `resolveService`, for a node without folders of services. */
  resolve(path: string | URL, base: string, method?: 'launch' | 'query'): string {
    if (this.#urls.size === 0) return resolveService(path, base, [])
    const byName = typeof path === 'string' ? this.#urls.get(path) : undefined
    const url = byName ?? resolveService(path, base, [])
    const own = byName ?? this.#urls.get(moduleOf(url))
    if (own !== undefined && method === 'query') this.#launch(own)
    return own ?? url
  }
}

/** @throws {TypeError} Unless each may stand in for a service. */
export function checkPeers(what: string, peers: object): void {
  for (const [name, peer] of Object.entries(peers)) {
    if (name === '') throw refusal('value', what, 'peers', 'given by names or paths', name)
    if (isObject(peer)) continue
    throw refusal('type', what, `peers['${name}']`, 'an object of methods, or a service', peer)
  }
}

function moduleAt(key: string, base: string): string {
  try {
    return moduleOf(resolveService(key, base, []))
  } catch (error) {
    const expected = `that of a module: ${messageOf(error)}`
    throw refusal('value', 'test a node', `peers['${key}']`, expected, key)
  }
}

/** Each one that is launched has the same methods: so a test sees what was asked of any. */
const serviceOf = (peer: Peer): AnyService =>
  isServiceDefinition(peer) ? (peer as AnyService) : defineService(() => peer as Methods)

function namedService(name: string, peer: Peer): AnyService {
  const { setup } = serviceOf(peer) as unknown as LoadedService
  return defineService((skynet: Skynet) => {
    skynet.register(name)
    return setup(skynet) as Methods
  })
}
