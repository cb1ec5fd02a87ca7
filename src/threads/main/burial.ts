/**
 * A worker is over: what it left is mended, and who waits for its services is told. Of the main
 * thread. docs/architecture.md says why in this order.
 */
import { messageOf, withHint } from '../../base/thrown.ts'
import type { Control } from '../protocol.ts'
import type { Loss } from './recovery.ts'
import type { Thread } from './thread.ts'

/** Between two tries to find room in the command ring. */
const ROOM_MS = 5

/** What a burial needs of its node. */
export interface BurialHost {
  /** Undefined: the place of a dedicated worker, and empty. */
  threadAt(worker: number): Pick<Thread, 'name' | 'past' | 'isReady'> | undefined
  /** Begin a crash report, before what it tells of is gone. */
  report(thread: string, cause: unknown): void
  /** The monitor looks at it no more. */
  unwatch(worker: number): void
  /** Mend what it left in shared memory. */
  mend(worker: number): Promise<Loss>
  /** No service is left but those of the node's own making. */
  isEmpty(): boolean
  /** The number of the last line that it sent to the logger, and how many lines went with it. */
  buryLines(
    worker: number,
    isAlive: (worker: number) => boolean,
  ): { readonly sent: number; readonly lost: number }
  /** Tell all workers but that one. */
  tellOthers(worker: number, control: Control): void
  /** Tell the socket thread. False: there is no room for that now. */
  tellSocketThread(worker: number): boolean
  pause(ms: number): Promise<unknown>
  print(text: string): void
}

/** @returns Whether any service was left, before others could end for what they are told. */
export async function bury(node: BurialHost, worker: number, cause: unknown): Promise<boolean> {
  const { name, past, isReady } = node.threadAt(worker)!
  // One that was told to leave, or never was there, is no news.
  const isNews = isReady && past === undefined
  if (isNews) node.report(name, cause)
  node.unwatch(worker)
  const loss = await node.mend(worker)
  const isAnyLeft = !node.isEmpty()
  const reason = messageOf(cause)
  const handles = [...loss.handles, ...(past ?? [])]
  if (isNews) {
    node.print(withHint(`${name} died: ${reason}; ${handles.length} services are gone`))
  }
  const lines = node.buryLines(worker, (each) => node.threadAt(each) !== undefined)
  if (lines.lost > 0) node.print(`${lines.lost} lines for the log were lost with ${name}`)
  const death = { place: loss.place, handles, thread: name, reason, linesSent: lines.sent }
  node.tellOthers(worker, { kind: 'died', ...death })
  while (!node.tellSocketThread(worker)) await node.pause(ROOM_MS)
  return isAnyLeft
}
