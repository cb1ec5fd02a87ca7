/** The services that other nodes find by a name, and those that they may call as snax services. */
import { SkynetError } from '../base/errors.ts'

/** Ids of methods of a snax service begin here: those before are snax's own. */
export const SNAX_FIRST_ID = 5

/** A method of a snax service, as its file defines it: `response.ping`, `accept.hello`. */
export type SnaxMethod = `response.${string}` | `accept.${string}`

export interface NamesHost {
  isAlive(handle: number): boolean
}

interface Snax {
  readonly handle: number
  readonly methods: readonly string[]
}

/** Names before the first look for those of services that have ended; then after each doubling. */
const BEFORE_LOOK = 64

export class RegisteredNames {
  readonly #host: NamesHost
  readonly #handles = new Map<string, number>()
  readonly #names = new Map<number, string>()
  readonly #snax = new Map<string, Snax>()
  /** By handle, the last that was registered: each message of a peer asks for it. */
  readonly #snaxOf = new Map<number, Snax>()
  #lookAt = BEFORE_LOOK

  constructor(host: NamesHost) {
    this.#host = host
  }

  /** Of both kinds. */
  get size(): number {
    return this.#handles.size + this.#snax.size
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
    if (this.size >= this.#lookAt) this.#dropDead()
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
    if (this.size >= this.#lookAt) this.#dropDead()
    const names = methods.map((method) => method.slice(method.indexOf('.') + 1))
    const snax = { handle, methods: names }
    this.#dropSnax(name)
    this.#snax.set(name, snax)
    this.#snaxOf.set(handle, snax)
  }

  snaxHandle(name: unknown): number | undefined {
    return typeof name === 'string' ? this.#snax.get(name)?.handle : undefined
  }

  /** The method with that number of a service that was registered with its methods. */
  methodAt(handle: number, id: unknown): string | undefined {
    if (typeof id !== 'number') return undefined
    return this.#snaxOf.get(handle)?.methods[id - SNAX_FIRST_ID]
  }

  #dropSnax(name: string): void {
    const snax = this.#snax.get(name)
    if (snax === undefined) return
    this.#snax.delete(name)
    if (this.#snaxOf.get(snax.handle) === snax) this.#snaxOf.delete(snax.handle)
  }

  #dropDead(): void {
    for (const [name, handle] of this.#handles) {
      if (!this.#host.isAlive(handle)) this.unregister(name)
    }
    for (const [name, { handle }] of this.#snax) {
      if (!this.#host.isAlive(handle)) this.#dropSnax(name)
    }
    this.#lookAt = Math.max(BEFORE_LOOK, this.size * 2)
  }
}
