// A busy machine, by a seed: `npm test -- --noise=7`. Loaded before all else into each process and
// each thread of the tests, it holds the thread now and then for some milliseconds: before
// callbacks and turns of promises, where the clock is read, which the loops of the runtime do in
// each turn, and where threads meet in shared memory. What waits for an event bears that; what goes
// by time or luck does not.
import { createHook } from 'node:async_hooks'
import { threadId } from 'node:worker_threads'

const HOLD_MS_MAX = 40
/** Of the life of a thread: else what works by many short steps would not come to its end. */
const HELD_SHARE_MAX = 0.25
/** Steps between two holds, on average; drawn anew each time, so that both rare and dense come. */
const STEPS = [2, 10, 50, 250, 1000]

const { wait } = Atomics
const clock = performance.now.bind(performance)
const bed = new Int32Array(new SharedArrayBuffer(4))
// Threads and programs have numbers of their own.
let state = hash(`${process.env.SKYNET_NOISE} ${threadId} ${process.argv.slice(1, 3).join(' ')}`)
let heldMs = 0
let stepsLeft = 0

hold()
createHook({ before: step }).enable()
performance.now = noisy(clock)
for (const name of ['load', 'store', 'exchange', 'compareExchange', 'add', 'or', 'and', 'notify']) {
  Atomics[name] = noisy(Atomics[name])
}

/** Of up to four arguments: an array of them would take longer than most of what is called. */
function noisy(plain) {
  return (a, b, c, d) => {
    step()
    return plain(a, b, c, d)
  }
}

function step() {
  if (--stepsLeft < 0) hold()
}

function hold() {
  stepsLeft = random() * 2 * STEPS[Math.floor(random() * STEPS.length)]
  if (heldMs > clock() * HELD_SHARE_MAX) return
  const ms = 1 + random() * (HOLD_MS_MAX - 1)
  heldMs += ms
  wait(bed, 0, 0, ms)
}

/** From 0 up to 1, by mulberry32. */
function random() {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

function hash(text) {
  let sum = 0
  for (const letter of text) sum = (Math.imul(sum, 31) + letter.charCodeAt(0)) | 0
  return sum
}
