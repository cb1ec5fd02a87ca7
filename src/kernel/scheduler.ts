/**
 * The heart of a worker: which service runs next, for how long, and when the thread sleeps.
 *
 * A *turn* begins with the event loop and ends when its microtasks are done. Messages are handled
 * in microtasks, so that a service which awaits another on the same worker goes on in the same
 * turn. After TURN_MESSAGES the rest waits for the next turn: timers, sockets and any npm library
 * get the event loop in between. Timers that are due fire at its begin. What other threads sent is
 * read meanwhile. Each of these has a budget of its own, by number, bytes and time: none of them
 * stops the others.
 */
import { ofNobody } from '../base/async-context.ts'
import { Budget } from '../base/budget.ts'
import type { Clock } from '../base/clock.ts'
import {
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} from '../base/event-loop.ts'
import { Queue } from '../base/queue.ts'
import { checkStack } from '../base/stack-left.ts'
import type { Doorbells } from '../shm/doorbell.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { BusyCells } from './busy.ts'
import type { Context } from './context.ts'
import { Mailbox } from './mailbox.ts'
import type { Message } from './message.ts'
import type { Wheel } from './wheel.ts'

/** Messages of one turn, and how long they may take: whichever ends first. */
const TURN_MESSAGES = 4096
const TURN_MS = 4
/** A launch takes as long as so many messages. */
const MESSAGES_PER_LAUNCH = 32
/** Timers of one turn, and they too may take TURN_MS. */
const TURN_TIMERS = 4096
/** What is read in one turn, and sent of what waited for room: see `costOf`. */
const TURN_TRANSFERS = 4 * TURN_MESSAGES
/** Half of what messages have: mailboxes should not grow while there is time for their messages. */
const TURN_TRANSFER_MS = TURN_MS / 2
/** Of small records so many are read before the clock is looked at, of large ones 64 KiB. */
const TRANSFERS_PER_LOOK = 128
/**
 * Rounds of the event loop without work before the thread sleeps. Waking it costs more than all of
 * them, and others may run on this core in each.
 */
const IDLE_ROUNDS = 10
/**
 * Room for `setTimeout`: half done, it would leave the thread without timers. The first time
 * Node.js compiles it, which takes the most.
 */
const TIMER_FRAMES = 600
/** How often a thread that loads a module says that it is there: far below any `monitorMs`. */
const PULSE_MS = 20
/** What is scheduled by this runs in the same turn; `queueMicrotask` costs twice as much. */
const SETTLED = Promise.resolve()
/** Records taken from one ring before their messages are handled. */
const RECORDS_PER_READ = 1024

/** Skynet's weights by worker number: how much of a mailbox one batch may take. */
export function weightOf(worker: number): number {
  if (worker < 4) return -1
  if (worker < 8) return 0
  if (worker < 16) return 1
  if (worker < 24) return 2
  return worker < 32 ? 3 : 0
}

/** @returns Messages of one batch: 1, or the length halved `weight` times. */
export const batchSize = (length: number, weight: number): number =>
  weight < 0 ? 1 : Math.max(1, length >> weight)

/** Half empty: so that who waits for room does not come back for one message. */
export const hasRoom = ({ mailbox, limit }: Context): boolean => (mailbox?.length ?? 0) <= limit / 2

/** What was to be done behind messages that are handled by now. */
function runBehind(context: Context): void {
  const behind = context.behind!
  for (let next = behind.peek(); next !== undefined; next = behind.peek()) {
    if (next.at > context.handled) return
    behind.shift()
    next.then()
  }
  context.behind = undefined
}

/** Method calls are, also those that travel inside of a trace: service/trace.ts. */
const isBounded = ({ type, value }: Message): boolean =>
  type === PTYPE.LUA || (type === PTYPE.TRACE && (value as [string, number])[1] === PTYPE.LUA)

/** Something that brings messages from other threads. */
export interface Inlet {
  readonly isEmpty: boolean
  /** A mark: where what comes next will be. */
  readonly written: number
  /** Has all been taken that came before `mark`? */
  hasRead(mark: number): boolean
  /** Take up to `limit` records, as long as `budget` lasts. Returns how many there were. */
  drain(limit: number, budget: Budget): number
}

/** Something that waits for room in a ring of another thread. */
export interface Outlet {
  /** True: `budget` has ended while there may be more room. Else the bell rings when there is. */
  retry(budget: Budget): boolean
}

/** An inlet, and what may be read of it in a turn. */
interface Source {
  readonly inlet: Inlet
  readonly budget: Budget
  /** The turn that the budget is of. */
  turn: number
}

/** What is to be done when all has been taken that came before. */
interface Behind {
  /** Of each inlet. */
  readonly marks: readonly number[]
  readonly then: () => void
}

export interface SchedulerOptions {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly bells: Doorbells
  readonly worker: number
  readonly monitor: BusyCells
  /** Let another thread run, if one waits for this core. */
  readonly yield: () => void
  /** False: turns end by what was done alone, so no order is a matter of time. Default: true. */
  readonly hasTimedTurns?: boolean | undefined
  /** Which service runs next, of `length` that have mail, from 0. Default: the first. */
  readonly pick?: ((length: number) => number) | undefined
  /** Told once per doubling: the mailbox of `context` holds `length` messages. */
  readonly onOverload: (context: Context, length: number) => void
}

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #weight: number
  readonly #runQueue = new Queue<Context>(64)
  /** Each with a budget of its own: a flood in one ring leaves the others their turns. */
  readonly #inlets: Source[] = []
  /** Turns so far, and when this one began. */
  #turn = 0
  #turnAt = 0
  readonly #outlets: Outlet[] = []
  readonly #behind = new Queue<Behind>(4)
  /** Launches for which this turn has no room. */
  readonly #launches = new Queue<() => void>(4)
  readonly #messages: Budget
  readonly #timers: Budget
  readonly #sending: Budget
  #isScheduled = false
  /** The next ring is waited for. */
  #isArmed = false
  /** Though it is, the thread does not sleep: see `stayUp`. */
  #isUp = false
  /** What `watching` waits for. */
  #watched = 0
  #isStopped = false
  /** A last look before sleep is under way. */
  #isResting = false
  /** Some service ran since the last look. */
  #hasWorked = false
  /** The budget of this turn did not do for the timers that are due. */
  #hasLateTimers = false
  /** Nor for what waited for room in a ring. */
  #hasUnsent = false
  #idleRounds = 0
  #timerAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#weight = weightOf(options.worker)
    this.#messages = this.#budget(TURN_MESSAGES, TURN_MS)
    this.#timers = this.#budget(TURN_TIMERS, TURN_MS)
    this.#sending = this.#transferBudget()
  }

  /** Connect the rings, then begin. */
  start(inlets: readonly Inlet[], outlets: readonly Outlet[]): void {
    for (const inlet of inlets) {
      this.#inlets.push({ inlet, budget: this.#transferBudget(), turn: 0 })
    }
    this.#outlets.push(...outlets)
    this.#beginTurn()
    this.#schedule()
  }

  #transferBudget(): Budget {
    return this.#budget(TURN_TRANSFERS, TURN_TRANSFER_MS, TRANSFERS_PER_LOOK)
  }

  #budget(cost: number, ms: number, firstLook?: number): Budget {
    const { clock, hasTimedTurns = true } = this.#options
    return new Budget(clock, cost, hasTimedTurns ? ms : Number.POSITIVE_INFINITY, firstLook)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** Put `message` into the mailbox of `context`, which will be run. */
  deliver(context: Context, message: Message): void {
    let { mailbox } = context
    if (mailbox === undefined) {
      mailbox = new Mailbox()
      context.mailbox = mailbox
    }
    if (mailbox.length >= context.limit && isBounded(message)) {
      context.onFull?.(message)
      return
    }
    mailbox.push(message)
    if (!context.isQueued && !context.isHeld) this.#enqueue(context)
  }

  /** From now on what comes for it waits in its mailbox; or no longer. */
  hold(context: Context, isOn: boolean): void {
    context.isHeld = isOn
    const hasMail = (context.mailbox?.length ?? 0) > 0
    if (!isOn && hasMail && !context.isQueued) this.#enqueue(context)
  }

  /** In this order: where the stack ends at a call, the next message makes up for it. */
  #enqueue(context: Context): void {
    this.#schedule()
    this.#runQueue.push(context)
    context.isQueued = true
  }

  /** Messages that `context` has taken, and could not handle yet, come again before all others. */
  redeliver(context: Context, messages: readonly Message[]): void {
    const { mailbox } = context
    if (mailbox === undefined || messages.length === 0) return
    const others = mailbox.length
    for (const message of messages) mailbox.push(message)
    for (let i = 0; i < others; i++) mailbox.push(mailbox.shift()!)
    context.handled -= messages.length
    if (!context.isQueued && !context.isHeld) this.#enqueue(context)
  }

  /**
   * Run `then` when the mail that other threads have sent by now is in the mailboxes: at once when
   * it is, else in a later turn.
   */
  whenTaken(then: () => void): void {
    if (this.#behind.length === 0 && this.#inlets.every(({ inlet }) => inlet.isEmpty)) {
      then()
      return
    }
    this.#behind.push({ marks: this.#inlets.map(({ inlet }) => inlet.written), then })
    this.#schedule()
  }

  /** Run `then` behind all mail for `context` that has come by now: at once when there is none. */
  afterMail(context: Context, then: () => void): void {
    this.whenTaken(() => {
      const left = context.mailbox?.length ?? 0
      if (left === 0) {
        then()
        return
      }
      context.behind ??= new Queue(4)
      context.behind.push({ at: context.handled + left, then })
    })
  }

  /**
   * May a launch begin in this turn? It does, then; else `launchLater`. What is launched from here
   * comes by no message: services that launch the next one would go on for ever in microtasks.
   */
  takesLaunch(): boolean {
    const messages = this.#messages
    if (this.#launches.length > 0 || messages.left <= 0) return false
    messages.take(MESSAGES_PER_LAUNCH)
    return true
  }

  /** In a later turn, in order. */
  launchLater(run: () => void): void {
    this.#schedule()
    this.#launches.push(run)
  }

  /** Something of this service runs that is no message: for the monitor. */
  running(handle: number): void {
    const { monitor } = this.#options
    monitor.task(handle)
    if (!this.#isArmed) return
    // The thread was asleep, and something of Node.js woke it: a module that was loaded, say.
    monitor.enter()
    this.#rest()
  }

  /**
   * Wait for `work` of Node.js, of which this thread runs a part itself: modules that are loaded.
   * What does not come back in there is seen by the monitor like a handler.
   */
  async watching<T>(work: () => Promise<T>): Promise<T> {
    const { monitor } = this.#options
    monitor.enter()
    this.#watched++
    // The thread comes round.
    const pulse = setInterval(() => monitor.leave(), PULSE_MS)
    try {
      return await work()
    } finally {
      clearInterval(pulse)
      this.#watched--
      this.#idle()
    }
  }

  #idle(): void {
    if (this.#isArmed && this.#watched === 0) this.#options.monitor.idle()
  }

  /** Nothing is left to do before a message or a timer comes. */
  get isAsleep(): boolean {
    return this.#isArmed && !this.#isScheduled && !this.#isResting && this.#runQueue.length === 0
  }

  /** Something has come of which no bell tells: look at the inlets in this turn. */
  look(): void {
    this.#schedule()
  }

  /**
   * Node.js has brought work here, of which no bell tells, and other threads will soon answer it:
   * look for that as after a message, for some rounds. Who slept would be woken for the first of
   * many answers, often in place of who just gives them, and find no other one.
   */
  stayUp(): void {
    this.#hasWorked = true
    if (!this.#isArmed || this.#isUp) return
    const { bells, worker } = this.#options
    this.#isUp = true
    bells.getUp(worker)
    this.#rest()
  }

  /** A clock that is moved by hand has been moved: timers may be due. */
  clockMoved(): void {
    this.#nextTurn()
  }

  /** A timer was added that is due at `due`: be there. */
  timerAdded(due: number): void {
    if (due >= this.#timerAt || this.#options.clock.isManual === true) return
    const delay = Math.max(0, Math.ceil(due - this.#options.clock.now()))
    checkStack(TIMER_FRAMES)
    const timer = setTimeout(this.#timerFired, Math.min(delay, 0x7fffffff))
    clearTimeout(this.#timer)
    this.#timer = timer
    // Last: where the stack of a service ends in here, the next timer makes up for it.
    this.#timerAt = due
  }

  // Any code may have asked for what sets these off: they hold on to none of its stores.

  readonly #timerFired = ofNobody(() => {
    this.#timerAt = Number.POSITIVE_INFINITY
    if (this.#isStopped) return
    this.#nextTurn()
    const due = this.#options.wheel.nextDue()
    if (due !== Number.POSITIVE_INFINITY) this.timerAdded(due)
  })

  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return
    if (this.#messages.left > 0) void SETTLED.then(this.#pump)
    else setImmediate(this.#nextTurn)
    this.#isScheduled = true
  }

  readonly #nextTurn = ofNobody(() => {
    this.#beginTurn()
    this.#pump()
  })

  /** The event loop came round: budgets are new, timers may be due, rings may have room. */
  #beginTurn(): void {
    const { wheel, clock, monitor } = this.#options
    let now = clock.now()
    this.#hasLateTimers = false
    // What a timer does may not come back either.
    monitor.enter()
    if (wheel.size > 0) {
      this.#timers.begin(now)
      if (wheel.advance(now, this.#mayFire) > 0) now = clock.now()
    }
    this.#messages.begin(now)
    // Those of the inlets begin when there is something to read: most rounds have nothing.
    this.#turnAt = now
    this.#turn++
    this.#retry(now)
  }

  readonly #mayFire = (fired: number): boolean => {
    if (fired === 0 || this.#timers.spend(1)) return true
    this.#hasLateTimers = true
    return false
  }

  #retry(now: number): void {
    this.#sending.begin(now)
    this.#hasUnsent = false
    for (const outlet of this.#outlets) {
      if (!outlet.retry(this.#sending)) continue
      this.#hasUnsent = true
      // A ring of its own: the next one has as much.
      this.#sending.begin(this.#options.clock.now())
    }
  }

  readonly #pump = ofNobody(() => {
    this.#isScheduled = false
    if (this.#isStopped) return
    const { monitor } = this.#options
    monitor.enter()
    const more = this.#read()
    const messages = this.#messages
    try {
      this.#runTaken()
      while (this.#launches.length > 0 && messages.lasts()) {
        messages.take(MESSAGES_PER_LAUNCH)
        this.#launches.shift()!()
      }
      while (this.#runQueue.length > 0 && messages.lasts()) {
        this.#hasWorked = true
        this.#runBatch(this.#nextContext()!)
      }
    } finally {
      monitor.leave()
      if (more === 'later' && this.#runQueue.length === 0) messages.left = 0
      const isLeft = this.#runQueue.length > 0 || this.#launches.length > 0
      if (more !== 'none' || isLeft) this.#schedule()
      else this.#rest()
    }
  })

  /** Take what other threads have sent. Is there more, for this turn or for the next? */
  #read(): 'now' | 'later' | 'none' {
    let more: 'now' | 'later' | 'none' = 'none'
    for (const source of this.#inlets) {
      const { inlet, budget } = source
      if (inlet.isEmpty) continue
      if (source.turn !== this.#turn) {
        source.turn = this.#turn
        budget.begin(this.#turnAt)
      }
      const hasTurn = budget.left > 0
      if (hasTurn && inlet.drain(RECORDS_PER_READ, budget) < RECORDS_PER_READ && budget.left > 0) {
        continue
      }
      if (budget.left > 0) more = 'now'
      else if (more === 'none') more = 'later'
      // What reading took is not taken from those who have mail.
      if (hasTurn && budget.left <= 0) this.#messages.begin(this.#options.clock.now())
    }
    return more
  }

  #runTaken(): void {
    const isTaken = ({ marks }: Behind): boolean =>
      this.#inlets.every(({ inlet }, i) => inlet.hasRead(marks[i]!))
    for (let next = this.#behind.peek(); next !== undefined; next = this.#behind.peek()) {
      if (!isTaken(next)) return
      this.#behind.shift()
      next.then()
    }
  }

  #nextContext(): Context | undefined {
    const { pick } = this.#options
    if (pick === undefined || this.#runQueue.length < 2) return this.#runQueue.shift()
    for (let behind = pick(this.#runQueue.length); behind > 0; behind--) {
      this.#runQueue.push(this.#runQueue.shift()!)
    }
    return this.#runQueue.shift()
  }

  /** A batch of one mailbox; it goes on while nobody else has mail, as Skynet's workers do. */
  #runBatch(context: Context): void {
    if (context.isHeld) {
      context.isQueued = false
      return
    }
    const mailbox = context.mailbox!
    const runQueue = this.#runQueue
    const { monitor, onOverload, clock } = this.#options
    const messages = this.#messages
    let batch = batchSize(mailbox.length, this.#weight)
    try {
      while (mailbox.length > 0) {
        const overload = mailbox.overload(clock)
        if (overload > 0) onOverload(context, overload)
        const message = mailbox.shift()!
        context.handled++
        monitor.trigger(message.source, context.handle, message.type, message.session)
        context.receiver.receive(message)
        messages.take(1)
        if (--batch <= 0 && runQueue.length > 0) break
        if (mailbox.length > 0 && !messages.lasts()) break
      }
    } finally {
      // Whatever is thrown: what is marked as queued, and is not, would never run again.
      if (mailbox.length > 0) runQueue.push(context)
      else context.isQueued = false
    }
    if (context.behind !== undefined) runBehind(context)
    if (context.onRoom !== undefined && hasRoom(context)) {
      const { onRoom } = context
      context.onRoom = undefined
      onRoom()
    }
  }

  /**
   * Nothing is left to run. Look again after a round of the event loop: under load there is more by
   * then, and nobody had to wake us. Sleep after some rounds without work.
   */
  #rest(): void {
    if (this.#isResting) return
    this.#isResting = true
    setImmediate(this.#lookAgain)
  }

  readonly #lookAgain = ofNobody(() => {
    this.#isResting = false
    if (this.#isStopped) return
    this.#beginTurn()
    if (this.#isScheduled) return
    if (this.#hasWorked) this.#idleRounds = 0
    this.#hasWorked = false
    if (!this.#isQuiet()) this.#pump()
    else if (this.#isArmed && !this.#isUp) this.#idle()
    else if (++this.#idleRounds >= IDLE_ROUNDS) this.#arm()
    else {
      // It came round, however long others have this core now.
      this.#options.monitor.leave()
      this.#options.yield()
      this.#rest()
    }
  })

  #isQuiet(): boolean {
    return (
      !this.#hasLateTimers && !this.#hasUnsent && this.#inlets.every(({ inlet }) => inlet.isEmpty)
    )
  }

  /** Sleep until a doorbell or a timer. See doorbell.ts for why no message can be overlooked. */
  #arm(): void {
    const { bells, worker } = this.#options
    bells.lieDown(worker)
    // Once more now that others see us asleep: room made before would be announced in vain.
    this.#retry(this.#options.clock.now())
    if (this.#isQuiet() && this.#awaitRing()) {
      this.#isUp = false
      this.#idle()
      return
    }
    bells.getUp(worker)
    this.#schedule()
  }

  /** False: somebody has rung. */
  #awaitRing(): boolean {
    // As before it got up. Who has rung since then has settled that, and it is about to be told.
    if (this.#isArmed) return true
    const { bells, worker } = this.#options
    const rung = bells.sleep(worker)
    if (rung === undefined) return false
    this.#isArmed = true
    rung.then(this.#woken)
    return true
  }

  readonly #woken = ofNobody(() => {
    this.#isArmed = this.#isUp = false
    if (this.#isStopped) return
    this.#nextTurn()
  })
}
