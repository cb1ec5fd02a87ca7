/**
 * Services here whose supervisors are on other nodes. Each ends with its supervisor, with the node
 * of that, and with this node's part of the cluster: so whoever launches the next one elsewhere,
 * because this node is down, finds none here that acts.
 */
import { SkynetError } from '../base/errors.ts'

export interface ChildrenHost {
  /** This node. */
  self(): { readonly node: string; readonly epoch: number }
  /** Launch it here; it ends with the service of the cluster. Returns its handle. */
  launch(url: string, options: object, signal: AbortSignal): Promise<number>
  /** Resolves when a service has ended, of whichever node. Rejects when nobody waits any more. */
  ended(handle: number, signal: AbortSignal): Promise<unknown>
  /** Resolves when it has ended. Rejects when it cannot be ended now. */
  kill(handle: number): Promise<unknown>
  /** It could not be killed. */
  unkilled(handle: number, error: unknown): void
  /** Resolves when that may be tried again. False: this service ends, and its children with it. */
  rest(): Promise<boolean>
  /** Let it handle what comes, or not. */
  hold(handle: number, isOn: boolean): void
}

interface Child {
  /** 0: its setup is not done. */
  handle: number
  launching: Promise<number>
  /** Nothing of it is wanted any more, or left. */
  readonly over: AbortController
  /** Is to end: resolves when it has. */
  ending: Promise<void> | undefined
}

export class Children {
  readonly #host: ChildrenHost
  /** By what their supervisors call them. */
  readonly #all = new Map<string, Child>()
  #isActing = true

  constructor(host: ChildrenHost) {
    this.#host = host
  }

  get size(): number {
    return this.#all.size
  }

  /**
   * @throws As a launch does; then nothing of it is left. `ERR_NODE_LOST`, `sent: 'no'`: this node
   * is not heard, so nothing begins.
   */
  async launch(id: string, supervisor: number, url: string, options: object): Promise<number> {
    const host = this.#host
    // Its supervisor asks again, or asks another node.
    if (!this.#isActing) throw new SkynetError('ERR_NODE_LOST', { ...host.self(), sent: 'no' })
    if (this.#all.has(id)) {
      throw new SkynetError('ERR_SERVICE_LAUNCH', { path: url, reason: `${id} is there already` })
    }
    const over = new AbortController()
    const { signal } = over
    // At once: the order to end it may be the next message.
    const launching = host.launch(url, options, signal)
    const child: Child = { handle: 0, launching, over, ending: undefined }
    this.#all.set(id, child)
    host.ended(supervisor, signal).then(
      () => this.end(id),
      () => {},
    )
    try {
      child.handle = await launching
    } catch (error) {
      this.#forget(id, child)
      throw error
    }
    const { handle } = child
    host.ended(handle, signal).then(
      () => this.#forget(id, child),
      () => {},
    )
    return handle
  }

  /** Resolves when there is none of that name, whether it had begun or not. Never rejects. */
  async end(id: string): Promise<void> {
    const child = this.#all.get(id)
    if (child === undefined) return
    child.ending ??= this.#end(id, child)
    await child.ending
  }

  async #end(id: string, child: Child): Promise<void> {
    child.over.abort()
    const handle = await child.launching.catch(() => 0)
    if (handle !== 0) await this.#kill(handle)
    this.#forget(id, child)
  }

  /** Until it has ended it is known, and its supervisor launches no other one. */
  async #kill(handle: number): Promise<void> {
    const host = this.#host
    let isSaid = false
    for (;;) {
      try {
        await host.kill(handle)
        return
      } catch (error) {
        // Alive it must not act beside the next one.
        host.hold(handle, true)
        if (!isSaid) host.unkilled(handle, error)
        isSaid = true
        if (!(await host.rest())) return
      }
    }
  }

  #forget(id: string, child: Child): void {
    child.over.abort()
    if (this.#all.get(id) === child) this.#all.delete(id)
  }

  /**
   * Whether this node is heard. When it is not, others may launch the next ones: those here wait,
   * and those that begin do not.
   */
  acting(isActing: boolean): void {
    this.#isActing = isActing
    for (const [id, { handle, over }] of [...this.#all]) {
      // What is about to end does nothing more.
      if (over.signal.aborted) continue
      if (handle !== 0) this.#host.hold(handle, !isActing)
      else if (!isActing) void this.end(id)
    }
  }

  /** This node was declared down: to all others these are over. */
  overtaken(): void {
    for (const id of [...this.#all.keys()]) void this.end(id)
  }
}
