/** Feeds parsers with seeded inputs, each in a thread that may hang, or run out of memory. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { PARSERS, type Parser } from './parsers.ts'
import { inputOf } from './trial.ts'

const HEAP_MB_MAX = 256
/** One input is done in microseconds. */
const HANG_MS = 30_000

/** What the thread of a parser is told. */
export interface Order {
  /** URL of the module that exports `PARSERS`. */
  readonly table: string
  readonly name: string
  /** Seeds of the inputs: `first`, and those that follow it. */
  readonly first: number
  readonly count: number
  /** Tells which seed it is at, and how often it has tried to make less of a fault. */
  readonly at: Uint32Array
}

interface FuzzOptions {
  readonly first: number
  readonly count: number
  /** How long one input may take. */
  readonly hangMs?: number
  /** Another table of parsers, with its URL. */
  readonly table?: { readonly url: string; readonly parsers: readonly Parser[] }
}

const TABLE = { url: new URL('./parsers.js', import.meta.url).href, parsers: PARSERS }

/** @returns What is wrong, with how to repeat it, or undefined. */
export async function fuzz(name: string, options: FuzzOptions): Promise<string | undefined> {
  const { first, count, hangMs = HANG_MS, table = TABLE } = options
  const at = new Uint32Array(new SharedArrayBuffer(8)).fill(first, 0, 1)
  const order: Order = { table: table.url, name, first, count, at }
  const worker = new Worker(new URL('./fuzz-thread.js', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  })
  const told = once(worker, 'message').then(([fault]) => fault as string | undefined)
  const hung = hang(worker, at, hangMs)
  try {
    return await Promise.race([told, hung.promise])
  } catch (error) {
    const parser = table.parsers.find((each) => each.name === name)!
    const bytes = inputOf(parser, at[0]!).toString('hex')
    return `${name} ends its thread: ${error}\n  SKYNET_SEED=${at[0]}, bytes: ${bytes}`
  } finally {
    hung.stop()
    await worker.terminate()
  }
}

/** Rejects once a thread has been at the same input for so long. */
function hang(worker: Worker, at: Uint32Array, hangMs: number) {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<never>((_, reject) => {
    let last = ''
    const look = (): void => {
      const place = at.join()
      if (place === last) reject(new Error(`it hangs: nothing in ${hangMs} ms`))
      last = place
    }
    worker.once('online', () => {
      timer = setInterval(look, hangMs)
    })
  })
  return { promise, stop: () => clearInterval(timer) }
}
