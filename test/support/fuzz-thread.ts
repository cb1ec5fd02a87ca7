/** The thread that feeds one parser: what hangs it, or takes all memory, ends with it. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Order } from './fuzz.ts'
import type { Parser } from './parsers.ts'
import { faultOf, inputOf, shrunk } from './trial.ts'

const { table, name, first, count, at } = workerData as Order
const { PARSERS } = (await import(table)) as { readonly PARSERS: readonly Parser[] }
const parser = PARSERS.find((each) => each.name === name)!

/** A stack takes longer than most inputs. */
const STACK = Error.stackTraceLimit

const beat = () => Atomics.add(at, 1, 1)

function feed(): string | undefined {
  Error.stackTraceLimit = 0
  for (let i = 0; i < count; i++) {
    const seed = (first + i) >>> 0
    Atomics.store(at, 0, seed)
    const bytes = inputOf(parser, seed)
    const found = faultOf(parser, bytes, seed)
    if (found === undefined) continue
    Error.stackTraceLimit = STACK
    const fault = found.startsWith('throws') ? (faultOf(parser, bytes, seed) ?? found) : found
    const least = shrunk(parser, bytes, seed, fault, beat).toString('hex')
    return `${name} ${fault}\n  SKYNET_SEED=${seed}, the least bytes: ${least}`
  }
  return undefined
}

parentPort!.postMessage(feed())
