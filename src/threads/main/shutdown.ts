/** How a node ends what it has begun, phase by phase. Of the main thread. */
import { formatHandle } from '../../base/errors.ts'
import { monotonicNow } from '../../base/event-loop.ts'
import type { StuckWorker } from '../../kernel/busy.ts'
import type { Control, Report } from '../protocol.ts'
import type { Thread } from './thread.ts'
import { within } from './within.ts'

/** Between two looks at workers that should have stopped: one that has not moved is stuck. */
const LOOK_MS = 50

/** What the end needs of its node. */
export interface ShutdownHost {
  /** How long exit hooks may take, in milliseconds. */
  readonly exitMs: number
  /** How long what was written may take to leave, in milliseconds. */
  readonly flushMs: number
  /** Tell all workers, and wait for the answer of each, or its end. */
  tellAll(control: Control, answer: Report['kind']): Promise<void>
  workers(): readonly Pick<Thread, 'ended' | 'tell' | 'kill'>[]
  /** Undefined: it never began. */
  socketThread(): Pick<Thread, 'ended'> | undefined
  /** Who is held is not said any more. */
  unwatch(): void
  /** Who has not moved since this was asked before. */
  stuck(): readonly StuckWorker[]
  /** How many lines the logger has not written. */
  unwritten(): number
  /** The socket thread leaves when what was written has left, or after so many milliseconds. */
  orderExit(flushMs: number): void
  /** No thread is left: give back what they used. */
  release(): void
  /** Resolves when all crash reports are written. */
  reported(): Promise<unknown>
  pause(ms: number): Promise<unknown>
  print(text: string): void
}

/**
 * End everything. Each phase has its time; what is not done by then is cut off.
 *
 * @param graceMs How long stop hooks may take; 0: they are not run.
 * @returns Whether all services have ended in good order.
 */
export async function shutDown(node: ShutdownHost, graceMs: number): Promise<boolean> {
  if (graceMs > 0) await drain(node, graceMs)
  node.unwatch()
  // A little more than the hooks may take: a worker that is late by that does not answer at all.
  const stopMs = node.exitMs + node.flushMs
  const latest = monotonicNow() + stopMs
  const isStopped = await endServices(node, stopMs)
  // The logger has what the others have left of their time.
  const isLogged = await endLogger(node, latest - monotonicNow())
  if (!isLogged && isStopped) node.print('Cannot write all of the log before the end')
  await bringBack(node)
  await endThreads(node)
  await node.reported()
  return isStopped
}

/** Listeners close, and stop hooks run. */
async function drain(node: ShutdownHost, graceMs: number): Promise<void> {
  const drained = node.tellAll({ kind: 'drain', graceMs }, 'drained')
  await within(graceMs + node.flushMs, drained)
}

/** Services end, but for the logger. Those that do not let go of their worker are cut off. */
async function endServices(node: ShutdownHost, stopMs: number): Promise<boolean> {
  const isStopped = await within(stopMs, node.tellAll({ kind: 'stop' }, 'stopped'))
  if (!isStopped) await printStuck(node)
  return isStopped
}

async function printStuck(node: ShutdownHost): Promise<void> {
  node.stuck()
  await node.pause(LOOK_MS)
  const stuck = node.stuck().map(({ destination }) => formatHandle(destination))
  const who = stuck.length > 0 ? `: ${stuck.join(', ')} did not come back` : ''
  node.print(`Cannot stop in good order within ${node.exitMs} ms${who}`)
}

async function endLogger(node: ShutdownHost, leftMs: number): Promise<boolean> {
  const stopped = node.tellAll({ kind: 'stopLogger' }, 'stopped')
  return within(Math.max(node.flushMs, leftMs), stopped)
}

/** What the logger has not written is said on standard error, and counted where it is gone. */
async function bringBack(node: ShutdownHost): Promise<void> {
  if (node.unwritten() === 0) return
  await within(node.flushMs, node.tellAll({ kind: 'bringBack' }, 'broughtBack'))
  const lost = node.unwritten()
  if (lost > 0) node.print(`${lost} lines for the log were lost: not written before the end`)
}

/** The socket thread leaves first: it sends what the workers have written. */
async function endThreads(node: ShutdownHost): Promise<void> {
  const { flushMs } = node
  node.orderExit(flushMs)
  const workers = node.workers()
  const socket = node.socketThread()
  const threads = socket === undefined ? workers : [socket, ...workers]
  // That may be after the end of the node: a thread in native code cannot be ended.
  const released = Promise.all(threads.map(({ ended }) => ended)).then(() => node.release())
  await within(flushMs * 2, socket?.ended ?? released)
  for (const worker of workers) worker.tell({ kind: 'leave' })
  if (await within(flushMs, released)) return
  for (const worker of workers) void worker.kill('it did not leave')
}
