/** From the start of a process to the line that says where its first service listens. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Bench, BenchOptions, Measure, Row } from './support/bench.ts'
import { contest, type Side } from './support/contest.ts'

const WORKERS = 2
const SOCKET_THREADS = 1

export const start: Bench = {
  name: 'start',
  help: 'processes started until they listen, beside threads that do nothing',
  run,
}

function run(options: BenchOptions): Promise<Row[]> {
  const config = pathOf('../examples/chat/skynet.config.js')
  const set = ['--set', `thread=${WORKERS}`, '--set', 'env.PORT=0']
  const ours = side('skynet-ts', [pathOf('../lib/cli/main.js'), 'start', config, ...set], options)
  const bare = [pathOf('peers/empty-threads.js'), String(WORKERS + SOCKET_THREADS)]
  const others = [side('empty threads', bare, options)]
  const what = `chat node, ${WORKERS} workers`
  return contest({ what, unit: '/s', ours, others }, options)
}

function side(name: string, args: readonly string[], { seconds }: BenchOptions): Side {
  return {
    name,
    measure: async (): Promise<Measure> => {
      let completed = 0
      let spentMs = 0
      while (completed === 0 || spentMs < seconds * 1000) {
        spentMs += await startMs(args)
        completed++
      }
      return { completed, value: completed / (spentMs / 1000) }
    },
  }
}

/** Its end is not counted. */
async function startMs(args: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const said = await Promise.race([once(createInterface(child.stdout), 'line'), ended])
  const spentMs = performance.now() - startedAt
  child.kill('SIGKILL')
  await ended
  if (!String(said[0]).includes('listens')) throw new Error(`Cannot start ${args}: ${said}`)
  return spentMs
}

function pathOf(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url))
}
