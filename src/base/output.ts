/**
 * Standard output and error of the process, for what a node says and what its services print. A
 * stream of Node.js would end the process when nobody hears its `error`, or hold the thread at a
 * terminal that takes nothing; here lines are written or counted (line-writer.ts).
 */
import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { isMainThread } from 'node:worker_threads'
import { LineWriter } from './line-writer.ts'

export const STDOUT = 1
export const STDERR = 2
/** How long the end of the process waits for a reader that has not taken all yet. */
const EXIT_FLUSH_MS = 100
const LOOK_MS = 5

interface Output {
  readonly out: LineWriter
  readonly error: LineWriter
}

let output: Output | undefined
let toEntry = (text: string): string => text

/** How the writers say what they have to say themselves: as the lines of a node look. */
export function sayLost(entryOf: (text: string) => string): void {
  toEntry = entryOf
}

export const standardOutput = (): LineWriter => theOutput().out
export const standardError = (): LineWriter => theOutput().error

function theOutput(): Output {
  output ??= openOutput()
  return output
}

function openOutput(): Output {
  if (!isMainThread) return { out: throughMain(process.stdout), error: throughMain(process.stderr) }
  // Node.js makes pipes non-blocking when it is asked for the streams.
  void process.stdout
  void process.stderr
  const error = writerOf(STDERR, () => {})
  // One file has one order, and one count.
  const out = isSame(STDOUT, STDERR)
    ? error
    : writerOf(STDOUT, (fault) => {
        error.addLine(toEntry(`cannot write to standard output: ${fault.message}`))
      })
  process.on('exit', () => flush([out, error]))
  return { out, error }
}

/** A worker has no descriptors of its own: what it prints goes to the main thread. */
function throughMain(stream: NodeJS.WriteStream): LineWriter {
  return new LineWriter({
    write: (bytes, done) => {
      stream.write(bytes)
      done(null, bytes.length)
    },
    onFault: () => {},
    entryOf: toEntry,
  })
}

/** At the end of the process no timer fires any more. */
function flush(writers: readonly LineWriter[]): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  for (let left = EXIT_FLUSH_MS / LOOK_MS; left > 0 && writers.some((w) => !w.isIdle); left--) {
    Atomics.wait(sleeper, 0, 0, LOOK_MS)
    for (const writer of writers) writer.goOn()
  }
}

function writerOf(number: number, onFault: (error: Error) => void): LineWriter {
  const fd = withoutWaiting(number)
  return new LineWriter({
    write: (bytes, done) => {
      let written: number
      try {
        written = writeSync(fd, bytes)
      } catch (error) {
        done(error as NodeJS.ErrnoException, 0)
        return
      }
      done(null, written)
    },
    onFault,
    entryOf: (text) => toEntry(text),
  })
}

/**
 * From now on no write to standard output or error waits for a reader: a thread that does cannot be
 * ended, and the process with it. `process.stdout` would do the same, on the main thread alone and
 * when somebody looks at it. Node.js sets both back at the end of the process. Of any thread.
 */
export function letNoOutputWait(os: { setNonBlocking(fd: number, on: boolean): number }): void {
  for (const fd of [STDOUT, STDERR]) if (!isatty(fd)) os.setNonBlocking(fd, true)
}

/**
 * A descriptor of standard output or error whose writes never wait. Pipes and sockets are so since
 * `letNoOutputWait`, or since the main thread has looked at `process.stdout`. A terminal is shared
 * with others who do not expect that, so it is opened anew. Files do not wait. Of any thread.
 */
export function withoutWaiting(fd: number): number {
  if (!isatty(fd)) return fd
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants
  try {
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
  } catch {
    // Not Linux, or nobody may open it.
    return fd
  }
}

function isSame(a: number, b: number): boolean {
  try {
    const [one, other] = [fstatSync(a), fstatSync(b)]
    return one.dev === other.dev && one.ino === other.ino
  } catch {
    return false
  }
}
