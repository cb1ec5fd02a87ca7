/** The thread that feeds one parser: what hangs it, or takes all memory, ends with it. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Order } from './fuzz.ts'
import type { Parser } from './parsers.ts'
import { feed } from './trial.ts'

const { table, name, first, count, at } = workerData as Order
const { PARSERS } = (await import(table)) as { readonly PARSERS: readonly Parser[] }
const parser = PARSERS.find((each) => each.name === name)!
const onSeed = (seed: number) => Atomics.store(at, 0, seed)
const beat = () => Atomics.add(at, 1, 1)

parentPort!.postMessage(await feed(parser, { first, count }, onSeed, beat))
