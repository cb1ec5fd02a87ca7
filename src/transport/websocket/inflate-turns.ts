/**
 * Inflating goes on in turns. A thousand bytes that a peer sends may be a million, and what has
 * come with one chunk is some hundreds of such messages: who has inflated much lets everybody else
 * on this thread have a turn before the next message. Those who wait go on one after another.
 */
import { setImmediate } from '../../base/event-loop.ts'
import { WEBSOCKET_INFLATE_TURN_BYTES } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'

/** So many bytes could have been inflated while a message is begun and ended. */
const MESSAGE_COST_BYTES = 4096

/** In this turn, on this thread. */
let spent = 0
let isSet = false
const waiting = new Queue<() => void>(4)

function begin(): void {
  spent = 0
  waiting.shift()?.()
  isSet = waiting.length > 0
  if (isSet) setImmediate(begin)
}

function willBegin(): void {
  if (isSet) return
  isSet = true
  // The first one comes before the loop has looked at sockets and other threads.
  setImmediate(() => setImmediate(begin))
}

/** A message of so many bytes has come out. */
export function countInflated(bytes: number): void {
  spent += bytes + MESSAGE_COST_BYTES
  willBegin()
}

/** Is it the turn of others? */
export const isTurnOver = (): boolean => spent >= WEBSOCKET_INFLATE_TURN_BYTES

/** Resolves when it is our turn again. */
export function ourTurn(): Promise<void> {
  willBegin()
  return new Promise((resolve) => waiting.push(resolve))
}
