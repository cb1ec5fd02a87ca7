/**
 * Threads that take themselves apart. Node.js ends the whole process when a message comes to the
 * debugger of a thread in the moment in which that debugger goes: it counts on a thing whose last
 * owner has just left. So nothing is sent to a thread that is seen at its end, until all of it is
 * gone. A look and a message after it are two steps: a thread that goes all the way from its last
 * JavaScript to the end of its debugger in between is met. Of the main thread.
 */
import type { Worker } from 'node:worker_threads'

/** Threads of ours, with the end of each as a promise. */
const living = new Map<Worker, Promise<void>>()

/** Called when a thread of ours has begun. */
export function watchEnd(worker: Worker, ended: Promise<void>): void {
  living.set(worker, ended)
  // Node.js looks for the loop of a thread at the first question, and finds none at its end. It
  // begins behind what a thread says first.
  const ask = (): void => {
    const { active, idle } = worker.performance.eventLoopUtilization()
    if (active + idle > 0) worker.off('message', ask)
  }
  worker.on('message', ask)
  void ended.then(() => living.delete(worker))
}

/**
 * True from the moment in which `worker` runs no JavaScript any more until its end is heard. Its
 * debugger goes last, after all else was closed, so that a message after a no seldom meets it.
 * Node.js says it where one asks for the loop: of one that is no more the idle time is -1.
 */
export const isEnding = (worker: Worker): boolean =>
  worker.performance.eventLoopUtilization().idle < 0

/** True when a thread of ours is so far. */
export const isAnyEnding = (): boolean => [...living.keys()].some(isEnding)

/** Resolves when no thread of ours is so far. */
export async function noneEnds(): Promise<void> {
  for (const [worker, ended] of living) if (isEnding(worker)) await ended
}
