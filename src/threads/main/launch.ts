/** How a node begins: its threads, then its first service. Of the main thread. */
import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { SkynetError } from '../../base/errors.ts'
import { clearTimeout, setTimeout } from '../../base/event-loop.ts'
import { makeFolderOf } from '../../base/own-file.ts'
import { shortPath } from '../../base/paths.ts'
import { unpack } from '../../wire/unpack.ts'
import type { ResolvedConfig } from '../options.ts'
import type { Report } from '../protocol.ts'
import { isHeapSetByFlag } from './heap-limit.ts'
import type { Thread } from './thread.ts'
import { within } from './within.ts'

/** Workers of a node that begin at the same time: with more of them none is ready earlier. */
const STARTS_AT_ONCE = 2 * availableParallelism()

/** What a launch needs of its node. */
export interface LaunchHost {
  readonly config: LaunchConfig
  isEnding(): boolean
  startSocketThread(): Pick<Thread, 'next'>
  /** Resolves when it is ready. */
  startWorker(worker: number): Promise<unknown>
  /** Where the first service is launched. It has been started by then. */
  firstWorker(): Pick<Thread, 'tell' | 'next'>
  print(text: string): void
}

type LaunchConfig = Pick<
  ResolvedConfig,
  'thread' | 'memoryLimitMb' | 'logger' | 'start' | 'logservice' | 'startMs' | 'cluster' | 'budgets'
>

/**
 * Resolves when the first service is ready.
 *
 * @throws {SkynetError} `ERR_THREAD_DIED`; `ERR_SERVICE_LAUNCH` it is not ready in time; or with
 * what the first service has failed.
 */
export async function launch(node: LaunchHost): Promise<void> {
  warnOfFlag(node)
  // Once: a logger that comes again may find that somebody has put the folder elsewhere.
  if (node.config.logger !== undefined) makeFolderOf(node.config.logger)
  const socket = node.startSocketThread()
  const numbers = Array.from({ length: node.config.thread }, (_, worker) => worker).values()
  const lanes = Array.from({ length: STARTS_AT_ONCE }, () => startInTurn(node, numbers))
  await Promise.all([socket.next('ready'), ...lanes])
  const first = node.firstWorker()
  // Told to stop meanwhile: nothing begins any more. This waits for the end.
  if (!node.isEnding()) first.tell({ kind: 'bootstrap' })
  const report = await firstReady(node, first.next('bootstrapped', 'failed'))
  if (report.kind !== 'failed') return
  const bytes = Buffer.from(report.error)
  throw unpack(bytes, 0, bytes.length)
}

function warnOfFlag({ config, print }: LaunchHost): void {
  if (config.memoryLimitMb === 0 || !isHeapSetByFlag()) return
  print(
    'Cannot give V8 memoryLimitMb as --max-old-space-size of Node.js goes before it: ' +
      'a service that outgrows it without a pause goes on to that of the flag',
  )
}

/**
 * Start the workers that nobody has started yet, one after the other. A node that is stopped while
 * many begin has to wait for the few alone that are under way.
 *
 * @param workers Their numbers, which all lanes take from.
 */
async function startInTurn(node: LaunchHost, workers: Iterator<number>): Promise<void> {
  while (!node.isEnding()) {
    const next = workers.next()
    if (next.done) return
    await node.startWorker(next.value)
  }
}

/** What the first service awaits in its setup may never come: that is said, and has a limit. */
async function firstReady(node: LaunchHost, launched: Promise<Report>): Promise<Report> {
  const { start, logservice, startMs, cluster, budgets } = node.config
  const path = shortPath(pathToFileURL(start).href)
  const who = `the first service, ${path},${logservice === undefined ? '' : ' or the logger,'}`
  const notice = setTimeout(() => {
    const late = `${who} is not ready after ${budgets.startNoticeMs} ms`
    // It is launched once the node is in, or has tried for long: the log of the cluster says why.
    const join = cluster === undefined ? '' : 'the node may not be in its cluster yet, or '
    node.print(`Still starting: ${late}; ${join}what its setup awaits may never come`)
  }, budgets.startNoticeMs)
  try {
    if (startMs === 0 || (await within(startMs, launched))) return await launched
  } finally {
    clearTimeout(notice)
  }
  // The deadline is told, not that the thread ends afterwards.
  launched.catch(() => {})
  const reason = `it is not ready within ${startMs} ms (config key 'startMs')`
  throw new SkynetError('ERR_SERVICE_LAUNCH', { path, reason })
}
