/**
 * `datacenterd`, a unique service: a tree of values for the whole node, and who waits for them.
 *
 * A plain object or array is a branch: what was set as a whole can be had in parts, and the other
 * way round. Somebody may wait for what is not there yet; what they wait for is no branch then.
 */
import { SkynetError } from '../base/errors.ts'
import { Askers, askerOf } from '../service/askers.ts'
import type { RequestContext } from '../service/protocols.ts'
import type { DataPath } from '../sharing/datacenter.ts'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'

type Branch = Record<string, unknown>

/** A place that somebody waits for, or that lies on the way to one. Never both. */
interface Place {
  readonly below: Map<string, Place>
  readonly waits: Set<Wait>
}
interface Wait {
  readonly source: number
  readonly path: readonly string[]
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

const newPlace = (): Place => ({ below: new Map(), waits: new Set() })

function isBranch(value: unknown): value is Branch {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}

const partOf = (branch: Branch, key: string): unknown =>
  Object.hasOwn(branch, key) ? branch[key] : undefined

/** As a property of its own, also `__proto__`. */
const put = (branch: Branch, key: string, value: unknown): unknown =>
  Object.defineProperty(branch, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })

const blocked = (path: readonly string[], reason: string): Error =>
  new SkynetError('ERR_DATACENTER_PATH', { path: path.join('.'), reason })

/** @throws {SkynetError} `ERR_DATACENTER_PATH` when a value that is no branch is on the way. */
function find(root: Branch, path: readonly string[]): unknown {
  let value: unknown = root
  for (const [i, key] of path.entries()) {
    if (value === undefined) return undefined
    if (!isBranch(value)) throw blocked(path, `'${path.slice(0, i).join('.')}' is no branch`)
    value = partOf(value, key)
  }
  return value
}

/** Who waits, by path. */
class Waits {
  readonly #root = newPlace()
  readonly #all: Askers<Wait>

  constructor(skynet: Skynet) {
    this.#all = new Askers(skynet, ({ resolve }) => resolve(undefined))
  }

  add(name: string, wait: Wait): void {
    const { path } = wait
    if (this.#conflict(path) !== undefined) this.#all.dropDead()
    const conflict = this.#conflict(path)
    if (conflict !== undefined) throw blocked(path, conflict)
    let place = this.#root
    for (const key of path) {
      const next = place.below.get(key) ?? newPlace()
      place.below.set(key, next)
      place = next
    }
    place.waits.add(wait)
    this.#all.add(name, wait)
  }

  #conflict(path: readonly string[]): string | undefined {
    let place: Place | undefined = this.#root
    for (const key of path) {
      if (place.waits.size > 0) return 'somebody waits for a value above it'
      place = place.below.get(key)
      if (place === undefined) return undefined
    }
    return place.below.size > 0 ? 'it is a branch: somebody waits below it' : undefined
  }

  /** The caller waits no more: whatever is answered goes nowhere. */
  giveUp(source: number, session: number): void {
    this.#all.giveUp(source, session)
  }

  /** It has its answer. */
  remove(name: string): void {
    const wait = this.#all.get(name)
    if (wait === undefined) return
    this.#all.delete(name)
    const places = [this.#root]
    for (const key of wait.path) places.push(places.at(-1)!.below.get(key)!)
    places.at(-1)!.waits.delete(wait)
    for (let i = wait.path.length; i > 0; i--) {
      if (places[i]!.waits.size + places[i]!.below.size > 0) return
      places[i - 1]!.below.delete(wait.path[i - 1]!)
    }
  }

  /** Something was set at `path`: those above wait for a branch now, those at and below have it. */
  wake(path: readonly string[], value: unknown): void {
    let place: Place | undefined = this.#root
    for (const key of path) {
      for (const { path: its, reject } of place.waits) {
        reject(blocked(its, 'it is a branch: a value was set below it'))
      }
      place = place.below.get(key)
      if (place === undefined) return
    }
    this.#serve(place, value)
  }

  #serve({ waits, below }: Place, value: unknown): void {
    for (const { resolve } of waits) resolve(value)
    if (!isBranch(value)) return
    for (const [key, place] of below) {
      const part = partOf(value, key)
      if (part !== undefined) this.#serve(place, part)
    }
  }
}

export default defineService((skynet) => {
  const root: Branch = {}
  const waits = new Waits(skynet)

  function wait(keys: DataPath, { source, session }: RequestContext): unknown {
    const path = keys.map(String)
    const value = find(root, path)
    if (value !== undefined) return value
    const name = askerOf({ source, session })
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        source,
        path,
        resolve: (found) => {
          waits.remove(name)
          resolve(found)
        },
        reject: (error) => {
          waits.remove(name)
          reject(error)
        },
      }
      waits.add(name, wait)
    })
  }

  return {
    get: (path: DataPath): unknown => find(root, path.map(String)),

    /** Undefined removes. Returns what was there before. */
    set(keys: DataPath, value: unknown): unknown {
      const path = keys.map(String)
      const last = path.at(-1)!
      // First to the end: nothing may be changed when something is in the way.
      const before = find(root, path)
      if (value === undefined && before === undefined) return undefined
      let branch = root
      for (const key of path.slice(0, -1)) {
        if (partOf(branch, key) === undefined) put(branch, key, {})
        branch = branch[key] as Branch
      }
      if (value === undefined) delete branch[last]
      else put(branch, last, value)
      if (value !== undefined) waits.wake(path, value)
      return before
    },

    /** The value at `path`, as soon as there is one. */
    wait: (keys: DataPath): unknown => wait(keys, skynet.context()),

    /** The same for who is on another node: after `ms` the answer is that there is none. */
    async poll(keys: DataPath, ms: number): Promise<readonly [unknown?]> {
      const asker = skynet.context()
      const limit = skynet.timeout(ms, () => waits.giveUp(asker.source, asker.session))
      try {
        const found = await wait(keys, asker)
        return found === undefined ? [] : [found]
      } finally {
        limit.cancel()
      }
    },

    /** Whoever asked under that session waits no more. */
    giveUp: (source: number, session: number): void => waits.giveUp(source, session),
  }
})
