/** Services on three workers that a test ends, alone or with their worker, when it wants. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSkynetError, type MethodsOf, type ServiceRef, type Skynet } from 'skynet-ts'
import type victim from '../fixtures/victim.ts'
import type { Then } from '../fixtures/victim.ts'
import { until } from './until.ts'

export type Victim = ServiceRef<MethodsOf<typeof victim>>
/** The test itself is on worker 0; each of the three has a worker to die with. */
const HOMES = { caller: 1, callee: 2, third: 3 } as const
export type Role = keyof typeof HOMES
export const ROLES = ['caller', 'callee', 'third'] as const
export type Way = 'is killed' | 'goes with its worker'
export const WAYS: readonly Way[] = ['is killed', 'goes with its worker']

let scenes = 0

/** Three services in a chain of calls, and on each of their workers one that can hold it. */
export class Scene {
  readonly #skynet: Skynet
  readonly #files: Partial<Record<Role, string>> = {}
  readonly #holders: Record<Role, Victim>
  readonly caller: Victim
  readonly callee: Victim
  readonly third: Victim

  private constructor(skynet: Skynet, actors: Record<Role, Victim>, holders: Record<Role, Victim>) {
    this.#skynet = skynet
    this.#holders = holders
    this.caller = actors.caller
    this.callee = actors.callee
    this.third = actors.third
  }

  static async set(skynet: Skynet): Promise<Scene> {
    const launch = async (): Promise<Record<Role, Victim>> => {
      const [caller, callee, third] = await Promise.all(
        Object.values(HOMES).map((on) => skynet.newService<typeof victim>('./victim.ts', { on })),
      )
      return { caller: caller!, callee: callee!, third: third! }
    }
    return new Scene(skynet, await launch(), await launch())
  }

  holder(role: Role): number {
    return this.#holders[role].handle
  }

  /** A file by which whoever holds the worker of `role` is let go. */
  fileOf(role: Role): string {
    const file = join(String(this.#skynet.getenv('folder')), `scene-${++scenes}`)
    this.#files[role] = file
    return file
  }

  /** Nothing on that worker gets a turn until `end` or `letGo`. */
  async hold(role: Role): Promise<void> {
    const file = this.fileOf(role)
    this.#holders[role].send.holdUntil(file)
    await this.isHeld(file)
  }

  isHeld(file: string): Promise<unknown> {
    return until('the worker is held', () => existsSync(`${file}.held`))
  }

  #write(role: Role, then: Then): void {
    const file = this.#files[role]
    if (file !== undefined) writeFileSync(file, then)
    delete this.#files[role]
  }

  /** By a file alone: for who is held without a scene. */
  static holding(file: string): { isHeld(): Promise<unknown>; letGo(then: Then): void } {
    return {
      isHeld: () => until('the worker is held', () => existsSync(`${file}.held`)),
      letGo: (then) => writeFileSync(file, then),
    }
  }

  endWorkerOf(role: Role): Promise<unknown> {
    return this.#holders[role].call.endWorker()
  }

  end(role: Role, way: Way): void {
    if (way === 'is killed') void this.#skynet.kill(this[role].handle)
    else if (this.#files[role] !== undefined) this.#write(role, 'end the worker')
    else this.#holders[role].send.endWorker()
  }

  letGo(...roles: readonly Role[]): void {
    for (const role of roles) this.#write(role, 'go on')
  }

  /** Who is left answers, and every worker is there, or there again. */
  async goesOn(ended: Role): Promise<void> {
    await until(`${ended} is gone`, () => !this.#skynet.isAlive(this[ended].handle))
    for (const role of ROLES) {
      if (this.#skynet.isAlive(this[role].handle))
        assert.equal(await this[role].call.echo(role), role)
      const on = HOMES[role]
      const next = await this.#skynet.newService<typeof victim>('./victim.ts', { on })
      assert.equal(await next.call.echo('new'), 'new')
    }
  }
}

/** What became of a call: its value, or the code of its error. */
export const endOf = (call: Promise<unknown>): Promise<unknown> =>
  call.catch((error: unknown) => {
    assert.ok(isSkynetError(error), String(error))
    return error.code
  })
