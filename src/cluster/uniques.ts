/**
 * The services that are one in the cluster, as this node sees them. Who asks for one makes its node
 * want its name: whoever gets it launches the service. The others wait for the name as long as they
 * live, so that one of them takes over when the owner is gone.
 *
 *   asked → wanted → owned: launched here → fenced: ended, and wanted again
 *                  → taken: of another node, until that is gone
 */
import { SkynetError } from '../base/errors.ts'
import { CLUSTER_HANDOVER_MS } from '../base/limits.ts'
import type { Fence } from '../service/life.ts'
import type { NodeNames } from './core/cluster-node.ts'
import type { NameOwner } from './core/records.ts'
import type { FencedOwner } from './fencing.ts'

export interface UniquesHost {
  readonly names: Pick<NodeNames, 'owner' | 'claim' | 'release' | 'releaseAll'>
  /** This node. */
  self(): { readonly node: string; readonly epoch: number }
  /** Launch it here. Returns its handle, once its setup is done. */
  launch(unique: Wanted, fence: Fence): Promise<number>
  /** The handle that stands here for that service of a node; 0: that node is not there. */
  handleOf(owner: NameOwner): number
  /** The number of a service here, as other nodes know it. */
  idOf(handle: number): number
  isAlive(handle: number): boolean
  /** Let it handle what comes, or not. */
  hold(handle: number, isOn: boolean): void
  /** End it in order. Resolves when it has ended. */
  handOver(handle: number): Promise<unknown>
  /** It was overtaken. */
  fence(handle: number, name: string, token: Fence, current: Fence | undefined): void
  timeout(ms: number, task: () => void): { cancel(): unknown }
  complain(text: string): void
  log(text: string): void
}

/** What is one in the cluster: a module, under a name. */
export interface Wanted {
  readonly name: string
  readonly url: string
  readonly options: object
}

interface Unique extends Wanted {
  /** Of the service here; 0: there is none. */
  handle: number
  token: Fence | undefined
  isLaunching: boolean
  waiting: { resolve(handle: number): void; reject(error: unknown): void }[]
}

export class Uniques {
  readonly #host: UniquesHost
  readonly #all = new Map<string, Unique>()
  /** By the handles of those that are here. */
  readonly #owners = new Map<number, FencedOwner>()
  #isActing = true
  #isOver = false

  constructor(host: UniquesHost) {
    this.#host = host
  }

  /**
   * The handle of the one service, wherever it is. Rejects with why it could not be launched. On a
   * node that drains nothing is launched, and what others have is found.
   */
  find(wanted: Wanted): Promise<number> {
    const unique = this.#all.get(wanted.name) ?? this.#add(wanted)
    const found = this.#handleOf(unique)
    if (found !== 0) return Promise.resolve(found)
    if (this.#isOver && !this.#isElsewhere(wanted)) return Promise.reject(stopping(wanted))
    return new Promise((resolve, reject) => {
      unique.waiting.push({ resolve, reject })
      if (!this.#isOver) this.#want(unique)
    })
  }

  #add(wanted: Wanted): Unique {
    const unique = { ...wanted, handle: 0, token: undefined, isLaunching: false, waiting: [] }
    this.#all.set(wanted.name, unique)
    return unique
  }

  /** What that service here is in the cluster; undefined: nothing. */
  ownerOf(handle: number): FencedOwner | undefined {
    return this.#owners.get(handle)
  }

  /** Another node has it, or is about to launch it. */
  #isElsewhere({ name }: Wanted): boolean {
    const owner = this.#host.names.owner(name)
    const own = this.#host.self()
    return owner !== undefined && (owner.node !== own.node || owner.epoch !== own.epoch)
  }

  /** 0: nobody has it now, or it is not launched yet. */
  #handleOf(unique: Unique): number {
    const { isAlive, names, handleOf } = this.#host
    const { handle, token, name } = unique
    if (token !== undefined) return handle !== 0 && isAlive(handle) ? handle : 0
    const owner = names.owner(name)
    if (owner === undefined || owner.id === 0) return 0
    return this.#isElsewhere(unique) ? handleOf(owner) : 0
  }

  #want(unique: Unique): void {
    const { names } = this.#host
    if (unique.token !== undefined) void this.#launch(unique, unique.token)
    else names.claim(unique.name, 0)
  }

  // --- what names tell ---------------------------------------------------------------------------

  owned(name: string, token: Fence): void {
    const unique = this.#all.get(name)
    if (unique === undefined) return
    unique.token = token
    if (unique.handle === 0) void this.#launch(unique, token)
  }

  /** Somebody else has it, or it is another service now. */
  changed(name: string): void {
    const unique = this.#all.get(name)
    if (unique === undefined || unique.waiting.length === 0) return
    const found = this.#handleOf(unique)
    if (found !== 0) this.#resolve(unique, found)
  }

  fenced(name: string, token: Fence, current: Fence | undefined): void {
    const unique = this.#all.get(name)
    if (unique === undefined) return
    if (unique.handle !== 0) this.#host.fence(unique.handle, name, token, current)
    unique.handle = 0
    unique.token = undefined
    if (!this.#isOver) this.#want(unique)
  }

  refused(name: string, reason: unknown): void {
    const unique = this.#all.get(name)
    if (unique !== undefined) this.#reject(unique, reason)
  }

  /** Whether this node is heard: what is one in the cluster must not act else. */
  acting(isActing: boolean): void {
    this.#isActing = isActing
    for (const unique of this.#all.values()) {
      if (unique.handle !== 0) this.#hold(unique, !isActing)
    }
  }

  /** Whoever wonders why it does not answer finds a line. */
  #hold({ name, handle }: Unique, isOn: boolean): void {
    const { hold, complain, log } = this.#host
    hold(handle, isOn)
    const what = `${name}, which is one in the cluster,`
    if (isOn) complain(`${what} handles nothing until the cluster is heard again`)
    else log(`${what} goes on`)
  }

  /** Of a service here that has ended the name is given back: to who waits for it, or asks next. */
  sweep(): void {
    for (const handle of this.#owners.keys()) {
      if (!this.#host.isAlive(handle)) this.#owners.delete(handle)
    }
    for (const unique of [...this.#all.values()]) {
      const { handle, isLaunching } = unique
      if (handle !== 0 && !isLaunching && !this.#host.isAlive(handle)) this.#giveBack(unique)
    }
  }

  #giveBack(unique: Unique): void {
    this.#all.delete(unique.name)
    this.#host.names.release(unique.name, () => {})
  }

  /**
   * Hand all names over: whoever wants them has them once the services here have ended. A store
   * that is not there makes nobody wait for ever: then others find out by the end of this node.
   */
  async release(): Promise<void> {
    this.#isOver = true
    const { handOver, names } = this.#host
    const own = [...this.#all.values()]
    for (const unique of own) this.#reject(unique, stopping(unique))
    const handles = own.map(({ handle }) => handle).filter((handle) => handle !== 0)
    await Promise.allSettled(handles.map((handle) => handOver(handle)))
    // From now on they are of who gets them.
    for (const unique of own) {
      unique.handle = 0
      unique.token = undefined
    }
    await new Promise<void>((resolve) => {
      const limit = this.#host.timeout(CLUSTER_HANDOVER_MS, resolve)
      names.releaseAll(() => {
        limit.cancel()
        resolve()
      })
    })
  }

  // --- launching ---------------------------------------------------------------------------------

  async #launch(unique: Unique, token: Fence): Promise<void> {
    if (unique.isLaunching || this.#isOver) return
    unique.isLaunching = true
    const host = this.#host
    try {
      const handle = await host.launch(unique, token)
      unique.isLaunching = false
      if (unique.token !== token) {
        // It was overtaken meanwhile.
        host.fence(handle, unique.name, token, unique.token)
        if (unique.token !== undefined) void this.#launch(unique, unique.token)
        return
      }
      unique.handle = handle
      this.#owners.set(handle, { name: unique.name, token })
      if (!this.#isActing) this.#hold(unique, true)
      host.names.claim(unique.name, host.idOf(handle))
      this.#resolve(unique, handle)
    } catch (error) {
      unique.isLaunching = false
      if (unique.waiting.length === 0) host.complain(`Cannot launch ${unique.name}: ${error}`)
      this.#reject(unique, error)
      // Another node may be able to.
      this.#giveBack(unique)
    }
  }

  #resolve(unique: Unique, handle: number): void {
    const { waiting } = unique
    unique.waiting = []
    for (const { resolve } of waiting) resolve(handle)
  }

  #reject(unique: Unique, error: unknown): void {
    const { waiting } = unique
    unique.waiting = []
    for (const { reject } of waiting) reject(error)
  }
}

const stopping = ({ name }: Wanted): Error =>
  new SkynetError('ERR_SERVICE_LAUNCH', { path: name, reason: 'this node is about to stop' })
