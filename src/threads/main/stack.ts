/**
 * Where a thread is now, also when it never comes back: its stack, taken from outside by the
 * inspector, which interrupts JavaScript even in an endless loop. Runs on the main thread.
 *
 * The way there: a session of the main thread (`NodeWorker`) reaches the debugger of a worker.
 * It is made with the first question, and left open after it, without a debugger: a node where
 * nothing is stuck pays nothing. See asking.ts for why. A line of ours is evaluated on the
 * same way, without a debugger, before the thread goes on.
 */
import type { Debugger, NodeWorker, Session } from 'node:inspector'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { isOwn } from '../../base/thrown.ts'
import { type AskingState, type Happening, MOVES, type Order } from './asking.ts'
import { isAnyEnding, isEnding, noneEnds } from './ends.ts'
import { within } from './within.ts'

const FRAMES_MAX = 16
/** The number of what needs no debugger; those of orders begin at 1. */
const EVALUATION_ID = 0

type Frame = Debugger.CallFrame
type FromWorker =
  | { readonly method: 'Debugger.scriptParsed'; readonly params: { scriptId: string; url: string } }
  | { readonly method: 'Debugger.paused'; readonly params: { callFrames: Frame[] } }
  | { readonly method: 'Debugger.resumed' }
  | { readonly method?: undefined; readonly id: number; readonly result?: Result; error?: Failure }
/** Of an expression; of an order it is empty. */
interface Result {
  readonly result?: { readonly value?: unknown }
}
interface Failure {
  readonly message: string
}
/** What V8 says of an expression in which the thread was told to end. */
const TERMINATED = 'Execution was terminated'

/**
 * The stack of `worker`, innermost first: `spin (/srv/agent.ts:12:5)`. Empty when it could not be
 * had: the thread is in native code, somebody debugs this process, or it has no inspector.
 *
 * @param stackMs How long to wait for it. The thread is seen out of the debugger also after that.
 */
export async function stackOn(worker: Worker, stackMs: number): Promise<readonly string[]> {
  // A build without an inspector has no such module.
  const inspector = await import('node:inspector').catch(() => undefined)
  // What somebody has stopped is theirs.
  if (inspector === undefined || inspector.url() !== undefined) return []
  // Whoever is asked for the first time is looked for among all.
  if (Asking.of(worker) === undefined) await within(stackMs, noneEnds())
  const asking = Asking.of(worker) ?? begin(new inspector.Session(), worker)
  if (asking === undefined) return []
  let frames: readonly string[] = []
  const asked = asking.ask().then((found) => {
    frames = found
  })
  await within(stackMs, asked)
  return frames
}

/**
 * What `expression` is worth on `worker`, where the thread is now. A thread in native code answers
 * when it comes back: whoever asks asks again after the answer. Undefined: nobody can reach it from
 * here, it has ended meanwhile, its stack is being taken, or some thread is at its very end.
 */
export async function evaluateOn(worker: Worker, expression: string): Promise<unknown> {
  const inspector = await import('node:inspector').catch(() => undefined)
  if (inspector === undefined) return undefined
  const asking = Asking.of(worker) ?? begin(new inspector.Session(), worker)
  return asking?.evaluate(expression)
}

function begin(session: Session, worker: Worker): Asking | undefined {
  // To look for it sends something to each.
  if (isAnyEnding()) return undefined
  try {
    session.connect()
    const sessionId = attach(session, worker.threadId)
    if (sessionId !== undefined) return new Asking(session, sessionId, worker)
  } catch {
    // A thread that is not the first one of its process cannot reach another.
  }
  session.disconnect()
  return undefined
}

/** Attach to one thread. Undefined: it has ended, or has no inspector. */
function attach(session: Session, threadId: number): string | undefined {
  let found: string | undefined
  session.on('NodeWorker.attachedToWorker', ({ params: { workerInfo, sessionId } }) => {
    if (isThread(workerInfo, threadId)) found = sessionId
    else session.post('NodeWorker.detach', { sessionId })
  })
  // Tells of all threads at once, before it returns; not of those that begin later.
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  session.post('NodeWorker.disable')
  return found
}

/** The way to one thread, from its first question to its end; it is asked once at a time. */
class Asking {
  static readonly #all = new Map<Worker, Asking>()
  static #isWatching = false

  readonly #session: Session
  readonly #sessionId: string
  readonly #worker: Worker
  readonly #urls = new Map<string, string>()
  readonly #sent: Order[] = []
  #answered: Promise<readonly string[]> = Promise.resolve([])
  #answer: (frames: readonly string[]) => void = () => {}
  #state: AskingState = 'idle'
  #evaluated: ((value: unknown) => void) | undefined

  static of(worker: Worker): Asking | undefined {
    return Asking.#all.get(worker)
  }

  constructor(session: Session, sessionId: string, worker: Worker) {
    this.#session = session
    this.#sessionId = sessionId
    this.#worker = worker
    Asking.#all.set(worker, this)
    Asking.#watchExit()
    worker.once('exit', () => this.#happens('ended'))
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      this.#hear(JSON.parse(params.message) as FromWorker)
    })
  }

  /** The end of the process waits for its threads, and for those that stand it would for ever. */
  static #watchExit(): void {
    if (Asking.#isWatching) return
    Asking.#isWatching = true
    process.on('exit', () => {
      for (const each of Asking.#all.values()) each.#happens('exit')
    })
  }

  /** Of each question its own: the next one may begin before who asked first goes on. */
  ask(): Promise<readonly string[]> {
    // Somebody else has asked already, or has just been told.
    if (this.#state !== 'idle') return this.#answered
    this.#answered = new Promise((resolve) => {
      this.#answer = resolve
    })
    this.#happens('ask')
    return this.#answered
  }

  /** It stands for nobody meanwhile, so this has no part in the course of asking where it is. */
  evaluate(expression: string): Promise<unknown> {
    if (this.#evaluated !== undefined || this.#state !== 'idle') return Promise.resolve(undefined)
    const evaluated = new Promise((resolve) => {
      this.#evaluated = resolve
    })
    this.#send({ id: EVALUATION_ID, method: 'Runtime.evaluate', params: { expression } })
    return evaluated
  }

  #tellEvaluated(value?: unknown): void {
    this.#evaluated?.(value)
    this.#evaluated = undefined
  }

  #hear(message: FromWorker): void {
    if (message.method === 'Debugger.scriptParsed') {
      this.#urls.set(message.params.scriptId, message.params.url)
    } else if (message.method === 'Debugger.paused') {
      const isAsked = this.#state === 'asked'
      this.#answer(isAsked ? framesOf(message.params.callFrames, this.#urls) : [])
      this.#happens('stopped')
    } else if (message.method === undefined) {
      if (message.id === EVALUATION_ID) this.#hearEvaluated(message)
      else if (this.#sent[message.id - 1] === 'Debugger.disable') this.#happens('isOut')
    }
  }

  /** V8 takes the end of a thread, inside of an expression, for that of the expression alone. */
  #hearEvaluated({ result, error }: { readonly result?: Result; readonly error?: Failure }): void {
    if (error?.message === TERMINATED) void this.#worker.terminate()
    this.#tellEvaluated(result?.result?.value)
  }

  #happens(happening: Happening): void {
    const move = MOVES[this.#state][happening]
    if (move === undefined) return
    this.#state = move.to
    for (const order of move.orders ?? []) this.#tell(order)
    if (move.to === 'over') this.#leave()
  }

  #tell(method: Order): void {
    this.#send({ id: this.#sent.push(method), method })
  }

  /** Nothing is lost where it is not sent: the end will be heard, and tells all who wait. */
  #send(message: object): void {
    const to = { sessionId: this.#sessionId, message: JSON.stringify(message) }
    if (isEnding(this.#worker)) return
    this.#session.post('NodeWorker.sendMessageToWorker', to)
  }

  #leave(): void {
    Asking.#all.delete(this.#worker)
    this.#answer([])
    this.#tellEvaluated()
    this.#session.disconnect()
  }
}

/** Threads are told apart by their number; the inspector has it in the title only. */
const isThread = ({ title }: NodeWorker.WorkerInfo, threadId: number): boolean =>
  title.startsWith(`[worker ${threadId}]`)

/** The frames of services and their libraries; all of them when there are none of those. */
function framesOf(frames: readonly Frame[], urls: ReadonlyMap<string, string>): string[] {
  const all = frames.map(({ functionName, location }) => {
    const url = urls.get(location.scriptId) ?? ''
    const path = url.startsWith('file:') ? fileURLToPath(url) : url
    const place = `${path}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`
    return { url, text: functionName === '' ? place : `${functionName} (${place})` }
  })
  const theirs = all.filter(({ url }) => !url.startsWith('node:') && !isOwn(url))
  return (theirs.length > 0 ? theirs : all).slice(0, FRAMES_MAX).map(({ text }) => text)
}
