/**
 * Where a thread is now, also when it never comes back: its stack, taken from outside by the
 * inspector, which interrupts JavaScript even in an endless loop. Runs on the main thread.
 *
 * The way there: a session of the main thread (`NodeWorker`) reaches the debugger of a worker.
 * Attached for one stack and detached after it: a node where nothing is stuck pays nothing.
 */
import type { Debugger, NodeWorker, Session } from 'node:inspector'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import { isOwn } from '../base/thrown.ts'

/** A thread inside a system call, or native code, cannot be stopped: give up after this long. */
const ANSWER_MS_MAX = 1000
const FRAMES_MAX = 16

type Frame = Debugger.CallFrame
type FromWorker =
  | { readonly method: 'Debugger.scriptParsed'; readonly params: { scriptId: string; url: string } }
  | { readonly method: 'Debugger.paused'; readonly params: { callFrames: Frame[] } }
  | { readonly method?: undefined }

/**
 * The stack of `worker`, innermost first: `spin (/srv/agent.ts:12:5)`. Empty when it could not be
 * had: the thread is in native code, somebody debugs this process, or it has no inspector.
 */
export async function stackOf(worker: Worker): Promise<string[]> {
  // A build without an inspector has no such module.
  const inspector = await import('node:inspector').catch(() => undefined)
  // Of somebody's breakpoint nothing is to be resumed.
  if (inspector === undefined || inspector.url() !== undefined) return []
  const session = new inspector.Session()
  try {
    session.connect()
    return await paused(session, worker.threadId)
  } catch {
    return []
  } finally {
    // All it has attached to is let go with it.
    session.disconnect()
  }
}

function paused(session: Session, threadId: number): Promise<string[]> {
  const urls = new Map<string, string>()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve([]), ANSWER_MS_MAX)
    const settle = (frames: string[]): void => {
      clearTimeout(timer)
      resolve(frames)
    }
    const tell = (sessionId: string, ...methods: string[]): void => {
      for (const [id, method] of methods.entries()) {
        const message = JSON.stringify({ id, method })
        session.post('NodeWorker.sendMessageToWorker', { sessionId, message })
      }
    }
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      if (isThread(params.workerInfo, threadId)) {
        tell(params.sessionId, 'Debugger.enable', 'Debugger.pause')
      } else session.post('NodeWorker.detach', { sessionId: params.sessionId })
    })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      const message = JSON.parse(params.message) as FromWorker
      if (message.method === 'Debugger.scriptParsed') {
        urls.set(message.params.scriptId, message.params.url)
      } else if (message.method === 'Debugger.paused') {
        tell(params.sessionId, 'Debugger.resume', 'Debugger.disable')
        settle(framesOf(message.params.callFrames, urls))
      }
    })
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, (error) => {
      if (error === null) return
      clearTimeout(timer)
      reject(error)
    })
  })
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
