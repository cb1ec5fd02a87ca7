/** What a node may leave in its process: descriptors, listeners, objects. */
import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { collector } from '../../src/base/collector.ts'
import { until } from './until.ts'

/** Collect garbage now. */
export const collect = collector()

/** Descriptors of this process; where the system does not list them, always 0. */
export function descriptors(): number {
  const folder = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd'
  try {
    return readdirSync(folder).length
  } catch {
    return 0
  }
}

/**
 * With the first stream of a process libuv opens it, for whoever comes when no descriptor is left.
 * Where the output of a test is a file, that is a client of the test.
 */
const OF_LIBUV = '/dev/null'

/**
 * What is open in this process when this is made, to be compared with later. A count is not enough:
 * it takes a file that another thread reads at that moment for one that stays open.
 */
export class OpenFiles {
  readonly #before = openFiles()

  /** Wait until nothing is open that was not then. */
  async gone(): Promise<void> {
    await until('the end of every descriptor', () => this.#more().length === 0).catch(() => {})
    assert.deepEqual(this.#more(), [], 'what is still open')
  }

  /** What is open now and was not then: `socket:[4711]`. */
  #more(): string[] {
    const before = [...this.#before]
    return openFiles().filter((file) => {
      const at = before.indexOf(file)
      if (at >= 0) before.splice(at, 1)
      return at < 0
    })
  }
}

/** What each descriptor leads to; where the system does not show it, nothing. */
function openFiles(): string[] {
  if (process.platform !== 'linux') return []
  const folder = '/proc/self/fd'
  return readdirSync(folder).flatMap((fd) => {
    try {
      const file = readlinkSync(`${folder}/${fd}`)
      return file === OF_LIBUV ? [] : [file]
    } catch {
      // That of the folder itself, and what has been closed since.
      return []
    }
  })
}

/** Listeners of the process, by event. */
export function listeners(): Record<string, number> {
  const names = process.eventNames().map(String).sort()
  return Object.fromEntries(names.map((name) => [name, process.listenerCount(name)]))
}

/** Heap in use after garbage collection, in bytes. */
export function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}
