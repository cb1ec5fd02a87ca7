/** The services that other nodes find by a name, and those that they may call as snax services. */
import { SkynetError } from '../base/errors.ts'
import type { Said, SnaxMethod, SnaxWord } from './words.ts'

/** Ids of methods of a snax service begin here: those before are snax's own. */
export const SNAX_FIRST_ID = 5

export interface NamesHost {
  isAlive(handle: number): boolean
}

interface Snax {
  readonly handle: number
  readonly methods: readonly string[]
  readonly stamp: number
}

/** Names before the first look for those of services that have ended; then after each doubling. */
const BEFORE_LOOK = 64

export class RegisteredNames {
  readonly #host: NamesHost
  readonly #handles = new Map<string, number>()
  readonly #names = new Map<number, string>()
  /** Of the last word on the name of a service, that it has none too. */
  readonly #stamps = new Map<number, number>()
  readonly #snax = new Map<string, Snax>()
  /** By handle, the last that was registered: each message of a peer asks for it. */
  readonly #snaxOf = new Map<number, Snax>()
  #lookAt = BEFORE_LOOK

  constructor(host: NamesHost) {
    this.#host = host
  }

  /** Of both kinds. */
  get size(): number {
    return this.#stamps.size + this.#snax.size
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
  register(name: string, handle: number, stamp: number): void {
    const owner = this.#handles.get(name)
    if (owner !== handle && owner !== undefined && this.#host.isAlive(owner)) {
      throw new SkynetError('ERR_SKYNETCLUSTER_NAME', { name, reason: 'the name is taken' })
    }
    this.#set(name, handle, stamp)
  }

  /** The handle that had it. */
  unregister(name: string, stamp: number): number | undefined {
    const handle = this.#handles.get(name)
    if (handle === undefined) return undefined
    this.#clear(name, handle, stamp)
    return handle
  }

  /** A word that another instance has heard: it holds unless one that was said later is known. */
  restore(handle: number, { word, stamp }: Said<string | undefined>): void {
    if (!this.#host.isAlive(handle) || this.#stampOf(handle) > stamp) return
    if (word !== undefined && this.#stampOf(this.#handles.get(word)) > stamp) return
    const name = this.#names.get(handle)
    if (word !== undefined) this.#set(word, handle, stamp)
    else if (name !== undefined) this.#clear(name, handle, stamp)
    else this.#stamps.set(handle, stamp)
  }

  /** As `restore`, of a snax service. */
  restoreSnax(name: string, { word, stamp }: Said<SnaxWord>): void {
    const known = this.#snax.get(name)
    if (!this.#host.isAlive(word.handle) || (known !== undefined && known.stamp > stamp)) return
    this.registerSnax(name, word.handle, word.methods, stamp)
  }

  /** @param methods In the order in which the file of the service defines them. */
  registerSnax(name: string, handle: number, methods: readonly SnaxMethod[], stamp: number): void {
    if (this.size >= this.#lookAt) this.#dropDead()
    const names = methods.map((method) => method.slice(method.indexOf('.') + 1))
    const snax = { handle, methods: names, stamp }
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

  #stampOf(handle: number | undefined): number {
    return (handle === undefined ? undefined : this.#stamps.get(handle)) ?? 0
  }

  #set(name: string, handle: number, stamp: number): void {
    if (this.size >= this.#lookAt) this.#dropDead()
    const owner = this.#handles.get(name)
    if (owner !== undefined) this.#clear(name, owner, stamp)
    const old = this.#names.get(handle)
    if (old !== undefined) this.#handles.delete(old)
    this.#handles.set(name, handle)
    this.#names.set(handle, name)
    this.#stamps.set(handle, stamp)
  }

  #clear(name: string, handle: number, stamp: number): void {
    this.#handles.delete(name)
    this.#names.delete(handle)
    this.#stamps.set(handle, stamp)
  }

  #dropSnax(name: string): void {
    const snax = this.#snax.get(name)
    if (snax === undefined) return
    this.#snax.delete(name)
    if (this.#snaxOf.get(snax.handle) === snax) this.#snaxOf.delete(snax.handle)
  }

  #dropDead(): void {
    for (const handle of this.#stamps.keys()) {
      if (this.#host.isAlive(handle)) continue
      const name = this.#names.get(handle)
      if (name !== undefined) this.#clear(name, handle, 0)
      this.#stamps.delete(handle)
    }
    for (const [name, { handle }] of this.#snax) {
      if (!this.#host.isAlive(handle)) this.#dropSnax(name)
    }
    this.#lookAt = Math.max(BEFORE_LOOK, this.size * 2)
  }
}
