/**
 * The loops of the socket threads of this process, which may end without any `stop`. A socket
 * thread must not be killed inside its system call. So all are told to leave, and then the end of
 * the process waits until they have. Of the main thread.
 */

/** Of one node. */
export interface Loop {
  /** Leave it. What was written has so many milliseconds to leave. */
  exit(flushMs: number): void
  /** Block until it is left. */
  awaitExit(): void
}

/** Those that may run. One listener for all: Node.js warns of more than ten. */
const running = new Set<Loop>()

/** A loop begins. Called after the first thread was made, whose listener comes before this one. */
export function addLoop(loop: Loop): void {
  if (running.size === 0) process.on('exit', leaveAll)
  running.add(loop)
}

/** It is over. */
export function removeLoop(loop: Loop): void {
  running.delete(loop)
  if (running.size === 0) process.off('exit', leaveAll)
}

function leaveAll(): void {
  for (const loop of running) loop.exit(0)
  for (const loop of running) loop.awaitExit()
}
