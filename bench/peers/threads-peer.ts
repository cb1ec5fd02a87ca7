/** The other end of postMessage: a thread of its own, or another port of the same thread. */
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type ChatMessage, Receiver } from '../support/pace.ts'

export type ToPeer =
  | { readonly kind: 'ask'; readonly session: number; readonly value: number }
  | { readonly kind: 'chat'; readonly message: ChatMessage }
export type FromPeer =
  | { readonly kind: 'answer'; readonly session: number; readonly value: number }
  | { readonly kind: 'acked'; readonly count: number }

export function answerOn(port: MessagePort): void {
  const post = (message: FromPeer): void => port.postMessage(message)
  const receiver = new Receiver((count) => post({ kind: 'acked', count }))
  port.on('message', (message: ToPeer) => {
    if (message.kind === 'chat') receiver.receive(message.message)
    else post({ kind: 'answer', session: message.session, value: message.value })
  })
}

/**
 * Wait until a cell has another value. Woken is not moved: who saw the move without a wait may meet
 * the wake-up of that move in his next one.
 */
export async function moved(cells: Int32Array, cell: number, from: number): Promise<void> {
  while (Atomics.load(cells, cell) === from) {
    const woken = Atomics.waitAsync(cells, cell, from)
    if (woken.async) await woken.value
  }
}

/** Each time the first cell moves, move the second. */
async function answerWakes(cells: Int32Array): Promise<never> {
  for (let seen = 0; ; seen++) {
    await moved(cells, 0, seen)
    Atomics.add(cells, 1, 1)
    Atomics.notify(cells, 1)
  }
}

if (!isMainThread) {
  answerOn(parentPort!)
  void answerWakes(workerData as Int32Array)
}
