/** The services that other nodes find by a name, and those that they may call as snax services. */
import { SkynetError } from '../base/errors.ts'

/** Ids of methods of a snax service begin here: those before are snax's own. */
export const SNAX_FIRST_ID = 5

/** A method of a snax service, as its file defines it: `response.ping`, `accept.hello`. */
export type SnaxMethod = `response.${string}` | `accept.${string}`

export interface NamesHost {
  isAlive(handle: number): boolean
}

export class RegisteredNames {
  readonly #host: NamesHost
  readonly #handles = new Map<string, number>()
  readonly #names = new Map<number, string>()
  readonly #snax = new Map<string, { readonly handle: number; readonly methods: string[] }>()

  constructor(host: NamesHost) {
    this.#host = host
  }

  /** As there it may be of a service that has ended since. */
  get(name: string): number | undefined {
    return this.#handles.get(name)
  }

  /**
   * A service has one name: another one takes its place.
   *
   * @throws {SkynetError} `ERR_SKYNETCLUSTER_NAME` another service has it.
   */
  register(name: string, handle: number): void {
    const owner = this.#handles.get(name)
    if (owner === handle) return
    if (owner !== undefined && this.#host.isAlive(owner)) {
      throw new SkynetError('ERR_SKYNETCLUSTER_NAME', { name, reason: 'the name is taken' })
    }
    this.unregister(name)
    const old = this.#names.get(handle)
    if (old !== undefined) this.#handles.delete(old)
    this.#handles.set(name, handle)
    this.#names.set(handle, name)
  }

  /** The handle that had it. */
  unregister(name: string): number | undefined {
    const handle = this.#handles.get(name)
    if (handle === undefined) return undefined
    this.#handles.delete(name)
    this.#names.delete(handle)
    return handle
  }

  /** @param methods In the order in which the file of the service defines them. */
  registerSnax(name: string, handle: number, methods: readonly SnaxMethod[]): void {
    const names = methods.map((method) => method.slice(method.indexOf('.') + 1))
    this.#snax.set(name, { handle, methods: names })
  }

  snaxHandle(name: unknown): number | undefined {
    return typeof name === 'string' ? this.#snax.get(name)?.handle : undefined
  }

  /** The method with that number of a service that was registered with its methods. */
  methodAt(handle: number, id: unknown): string | undefined {
    if (typeof id !== 'number') return undefined
    for (const snax of this.#snax.values()) {
      if (snax.handle === handle) return snax.methods[id - SNAX_FIRST_ID]
    }
    return undefined
  }
}
