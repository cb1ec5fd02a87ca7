/**
 * Nodes start and stop in one process, one after the other and some at a time: `node
 * dist/test/soak/nodes.soak.js [--nodes 2000]`. Tells descriptors, listeners and memory as it goes.
 * The exit code is 1 when something grows.
 */
import { parseArgs } from 'node:util'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { descriptors, heapBytes, listeners } from '../support/leftovers.ts'
import { beginOutput } from '../support/output.ts'
import { fixture } from '../support/process.ts'

/** Every other round starts so many at a time. */
const AT_ONCE = 8
/**
 * What a process takes once: code, and arenas of malloc for as many threads. Those settle late:
 * 256 MB were resident after 64 nodes, 319 after 450, 324 after 760. With MALLOC_ARENA_MAX=2 it was
 * 198 after 64, and 217 after 380.
 */
const WARM_ROUNDS = 24
/** Noise of V8 and of malloc. */
const HEAP_SLACK = 4 * 1024 * 1024
const RSS_SLACK = 64 * 1024 * 1024

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '2000' },
  },
})
const nodes = Number(values.nodes)
const given = { thread: 1, start: fixture('echo.ts'), args: [0], logger: '/dev/null' }
const start = () => startNode(resolveConfig(given, '/'))

interface State {
  readonly fds: number
  readonly exitListeners: number
  readonly heap: number
  readonly rss: number
}

function look(what: string): State {
  const heap = heapBytes()
  const { rss } = process.memoryUsage()
  const state = { fds: descriptors(), exitListeners: listeners().exit ?? 0, heap, rss }
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
  console.log(
    `  ${what}: ${state.fds} descriptors, ${state.exitListeners} exit listeners, ` +
      `heap ${mb(heap)} MB, rss ${mb(rss)} MB`,
  )
  return state
}

function compare(before: State, after: State): void {
  const faults = [
    after.fds > before.fds && 'descriptors stay',
    after.exitListeners > before.exitListeners && 'listeners stay',
    after.heap > before.heap + HEAP_SLACK && 'heap stays taken',
    after.rss > before.rss + RSS_SLACK && 'memory stays taken',
  ].filter((fault) => fault !== false)
  for (const fault of faults) console.log(`  FAULT: ${fault}`)
  if (faults.length > 0) process.exitCode = 1
}

async function round(): Promise<void> {
  for (let count = 0; count < AT_ONCE; count++) await (await start()).stop()
  const some = await Promise.all(Array.from({ length: AT_ONCE }, start))
  await Promise.all(some.map((node) => node.stop()))
  // The memory of a node lies outside of the heap: V8 is in no hurry to find that it is free.
  heapBytes()
}

console.log(`${nodes} nodes start and stop, ${AT_ONCE} at a time and one by one`)
await beginOutput()
for (let warm = 0; warm < WARM_ROUNDS; warm++) await round()
const before = look('begin')
const rounds = Math.ceil(nodes / (2 * AT_ONCE))
for (let done = 1; done <= rounds; done++) {
  await round()
  if (done % Math.ceil(rounds / 8) === 0) look(`${done * 2 * AT_ONCE} nodes`)
}
compare(before, look('end'))
