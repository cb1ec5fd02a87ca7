/**
 * Whom the end of a service concerns: who monitors it, its supervisor, its own children; and whose
 * end concerns it. Made with the first of them.
 */
import type { Handles } from '../kernel/handles.ts'
import type { Message } from '../kernel/message.ts'
import type { Router } from '../kernel/router.ts'
import { askerOf } from '../service/askers.ts'
import type { Parent } from '../service/beginning.ts'
import type { Ending } from '../service/life.ts'
import { killHome, orderHome } from '../service/ordering.ts'
import { type Part, type PartHost, PartKey } from '../service/part.ts'
import { PTYPE } from '../wire/ptype.ts'

/** What Kin needs of its service. */
export interface KinHost extends PartHost {
  readonly handle: number
  readonly runtime: { readonly handles: Handles; readonly router: Router }
  /** How it ended. */
  readonly ending: Ending
  end(reason: 'kill'): Promise<void>
}

export class Kin implements Part {
  /** Its supervisor, if any. */
  parent: Parent | undefined
  /** Services that end with it. */
  readonly children = new Set<number>()
  /** Services with which it ends, as they are linked to it. */
  readonly followed = new Set<number>()
  /** Orders of `monitor`, by who gave them. */
  readonly #watchers = new Map<string, Message>()
  readonly #service: KinHost

  constructor(service: KinHost) {
    this.#service = service
  }

  /** An order of `monitor`, answered when it has ended. */
  watch(order: Message): void {
    this.#watchers.set(askerOf(order), order)
  }

  get watchers(): Iterable<Message> {
    return this.#watchers.values()
  }

  /** The service of that handle ends with this one. Its worker may have died since it said so. */
  adopt(child: number): void {
    if (this.#service.runtime.handles.workerOf(child) >= 0) this.children.add(child)
  }

  givenUp(asker: string): void {
    this.#watchers.delete(asker)
  }

  workerDied(dead: ReadonlySet<number>): void {
    for (const [asker, { source }] of this.#watchers) {
      if (dead.has(source)) this.#watchers.delete(asker)
    }
    for (const child of this.children) if (dead.has(child)) this.children.delete(child)
    // Its supervisor, or the order to end that had not left when that worker died.
    const { parent } = this
    const { handles } = this.#service.runtime
    if (parent !== undefined && handles.workerOf(parent.handle) < 0) void this.#service.end('kill')
  }

  /** Whoever monitors it is told, its children end, its supervisor has one child less. */
  ended(): void {
    const { runtime, handle, ending } = this.#service
    for (const { source, session } of this.#watchers.values()) {
      if (session !== 0) runtime.router.send(PTYPE.RESPONSE, source, 0, session, ending)
    }
    for (const child of this.children) killHome(runtime, child)
    if (this.parent === undefined) return
    const disown = { order: 'disown', handle: this.parent.handle } as const
    orderHome(runtime, handle, 0, disown)
  }
}

const KEY = new PartKey<Kin>()

/** Made with the first use. */
export const kinOf = (service: KinHost): Kin =>
  service.part(KEY) ?? service.addPart(KEY, new Kin(service))

/** Undefined: its end concerns nobody so far. */
export const knownKin = (service: PartHost): Kin | undefined => service.part(KEY)
