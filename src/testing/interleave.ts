/**
 * Explores every interleaving of small threads: the models of what several real threads share.
 *
 * A thread is a chain of phases, each a generator that gets what it needs to know as numbers and
 * returns the next phase; each `yield` is one atomic step. A phase is deterministic, so its name
 * and the values its steps returned are the whole local state of a thread. A state of all is the
 * shared world and the local states, and each is explored once.
 *
 * Waiting is a step that is not possible yet: a thread that looks again and sees the same has
 * changed nothing, so those rounds are left out. A step that may end in several ways, as a system
 * call may, has several outcomes.
 */

/** What a thread knows between two phases. */
export type Phase = readonly number[]
export type ThreadRun<S> = Generator<S, Phase | undefined, number>

export interface ModelThread<S> {
  readonly start: Phase
  readonly run: (phase: Phase) => ThreadRun<S>
}

/** @param W The shared world: a value that is never changed, only replaced. */
export interface Model<S, W, F extends string> {
  readonly world: W
  readonly threads: readonly ModelThread<S>[]
  /** One text for each world that makes a difference. */
  keyOf(world: W): string
  isPossible(world: W, step: S): boolean
  /** What may come of a step: the worlds after it, and what the thread gets to know. */
  perform(world: W, step: S, thread: number): readonly Outcome<W, F>[]
  /** No step is possible any more: what is wrong? `waiting` are the threads that have not ended. */
  faultAtEnd(world: W, waiting: readonly number[]): F | undefined
  /** Told of each new state. */
  visit?(world: W): void
  /** Enough is known once this fault has been found. */
  readonly until?: F | undefined
}
export type Outcome<W, F extends string> =
  | { readonly world: W; readonly value: number }
  | { readonly fault: F }

export interface Explored<W, F extends string> {
  readonly states: number
  readonly faults: readonly F[]
  /** One schedule for each fault: `thread: step` in order. */
  readonly schedules: ReadonlyMap<F, readonly string[]>
  /** The different worlds at the end, without fault. */
  readonly ends: readonly W[]
}

/** A thread between two steps; made once for each phase and log, so identity is equality. */
class Local<S> {
  readonly id: number
  readonly step: S | undefined
  readonly #family: Family<S>
  readonly #phase: Phase
  readonly #log: readonly number[]
  readonly #after = new Map<number, Local<S>>()

  constructor(
    id: number,
    family: Family<S>,
    phase: Phase,
    log: readonly number[],
    step: S | undefined,
  ) {
    this.id = id
    this.#family = family
    this.#phase = phase
    this.#log = log
    this.step = step
  }

  after(value: number): Local<S> {
    let next = this.#after.get(value)
    if (!next) {
      next = this.#family.local(this.#phase, [...this.#log, value])
      this.#after.set(value, next)
    }
    return next
  }
}

/** All local states of one thread. */
class Family<S> {
  readonly #run: (phase: Phase) => ThreadRun<S>
  readonly #known = new Map<string, Local<S>>()

  constructor(run: (phase: Phase) => ThreadRun<S>) {
    this.#run = run
  }

  /** Where the thread is when the steps of this phase so far returned `log`. */
  local(phase: Phase, log: readonly number[] = []): Local<S> {
    const thread = this.#run(phase)
    let result = thread.next()
    for (const value of log) result = thread.next(value)
    if (result.done && result.value) return this.local(result.value)
    const key = result.done ? 'end' : `${phase}|${log}`
    let local = this.#known.get(key)
    if (!local) {
      const step = result.done ? undefined : result.value
      local = new Local(this.#known.size, this, phase, log, step)
      this.#known.set(key, local)
    }
    return local
  }
}

interface State<S, W> {
  readonly world: W
  /** `keyOf` the world: a step that changes nothing keeps both. */
  readonly key: string
  readonly locals: readonly Local<S>[]
  /** How this state was reached: for the schedule of a fault. */
  readonly from: State<S, W> | undefined
  readonly thread: number
}

/** Every schedule there is: all faults, and all ends. */
export function explore<S, W, F extends string>(model: Model<S, W, F>): Explored<W, F> {
  const locals = model.threads.map(({ start, run }) => new Family(run).local(start))
  const key = model.keyOf(model.world)
  const stack: State<S, W>[] = [{ world: model.world, key, locals, from: undefined, thread: -1 }]
  const known = new Set<string>()
  const ends = new Map<string, W>()
  const schedules = new Map<F, readonly string[]>()
  const fail = (fault: F, state: State<S, W>, last?: string): void => {
    if (!schedules.has(fault)) schedules.set(fault, scheduleOf(state, last))
  }
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    let id = state.key
    for (const local of state.locals) id += `|${local.id}`
    if (known.has(id)) continue
    if (model.until !== undefined && schedules.has(model.until)) break
    known.add(id)
    model.visit?.(state.world)
    const possible = possibleThreads(model, state)
    for (const thread of possible) {
      const local = state.locals[thread]!
      for (const outcome of model.perform(state.world, local.step as S, thread)) {
        if ('fault' in outcome) fail(outcome.fault, state, nameOf(thread, local.step))
        else {
          const { world, value } = outcome
          const key = world === state.world ? state.key : model.keyOf(world)
          const locals = state.locals.with(thread, local.after(value))
          stack.push({ world, key, locals, from: state, thread })
        }
      }
    }
    if (possible.length > 0) continue
    const waiting = [...state.locals.keys()].filter((i) => state.locals[i]!.step !== undefined)
    const fault = model.faultAtEnd(state.world, waiting)
    if (fault === undefined) ends.set(state.key, state.world)
    else fail(fault, state)
  }
  return {
    states: known.size,
    faults: [...schedules.keys()],
    schedules,
    ends: [...ends.values()],
  }
}

function possibleThreads<S, W, F extends string>(model: Model<S, W, F>, state: State<S, W>) {
  return [...state.locals.keys()].filter((thread) => {
    const { step } = state.locals[thread]!
    return step !== undefined && model.isPossible(state.world, step)
  })
}

const nameOf = (thread: number, step: unknown): string => `${thread}: ${JSON.stringify(step)}`

function scheduleOf<S, W>(end: State<S, W>, last?: string): string[] {
  const steps = last === undefined ? [] : [last]
  for (let state = end; state.from !== undefined; state = state.from) {
    steps.push(nameOf(state.thread, state.from.locals[state.thread]!.step))
  }
  return steps.reverse()
}
