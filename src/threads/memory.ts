/** The shared memory of a node as all its threads see it: made by main/node-memory.ts. */

import type { HandleMemory } from '../kernel/handles.ts'
import type { DoorbellMemory } from '../shm/doorbell.ts'

export interface NodeMemory {
  /** Those for anybody, then the places of dedicated ones. */
  readonly workers: number
  readonly handles: HandleMemory
  readonly names: SharedArrayBuffer
  readonly env: SharedArrayBuffer
  readonly loads: SharedArrayBuffer
  /** Multicast: which workers have subscribers of a channel. */
  readonly channels: SharedArrayBuffer
  /** Shared data: names, and where the newest version of each is. */
  readonly snapshots: SharedArrayBuffer
  readonly monitor: SharedArrayBuffer
  /** Lines of the log: how many each worker has sent, how many are written. */
  readonly log: SharedArrayBuffer
  readonly bells: DoorbellMemory
  /** What each thread writes to a ring now: the workers, the socket thread, the main thread. */
  readonly claims: SharedArrayBuffer
  readonly slots: SharedArrayBuffer
  /** What the sockets did, by thread. */
  readonly totals: SharedArrayBuffer
  /** Many writers → the socket thread. */
  readonly commands: SharedArrayBuffer
  /** By worker: many writers → that worker. */
  readonly messages: readonly SharedArrayBuffer[]
  /** By worker: the socket thread → that worker. */
  readonly streams: readonly SharedArrayBuffer[]
  /** By worker: what it has outside JavaScript. See native-objects.ts. */
  readonly natives: SharedArrayBuffer
  /** One cell: 1 once the socket thread has left its loop. */
  readonly socketDone: SharedArrayBuffer
  /**
   * One cell: until when descriptors are left to a thread that is being started, in milliseconds
   * since the node began, as an Int32; 0: they are not.
   */
  readonly acceptsHeld: SharedArrayBuffer
}

/** The main thread's number: it has no doorbell, but locks and claims. */
export const mainThreadOf = (memory: NodeMemory): number => memory.workers + 1

/** The command ring among the rings: after those of the workers. */
export const commandRingOf = (memory: NodeMemory): number => memory.workers

/** The socket thread's number among the doorbells: after the workers. */
export const socketThreadOf = (memory: NodeMemory): number => memory.workers
