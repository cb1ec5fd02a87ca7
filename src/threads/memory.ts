/** The shared memory of a node: made once on the main thread, seen by all. */

import { COMMAND_RING_BYTES, HANDLE_ID_MAX, RING_BYTES, SOCKET_RING_BYTES } from '../base/limits.ts'
import { createBusyMemory } from '../kernel/busy.ts'
import { Channels } from '../kernel/channels.ts'
import { createEnvMemory } from '../kernel/env.ts'
import { createHandleMemory, type HandleMemory } from '../kernel/handles.ts'
import { Loads } from '../kernel/loads.ts'
import { createNameMemory } from '../kernel/names.ts'
import { Snapshots } from '../kernel/snapshots.ts'
import { SLOTS_BYTES } from '../net/slots.ts'
import { Totals } from '../net/totals.ts'
import { LogLedger } from '../service/log-ledger.ts'
import { createClaims } from '../shm/claim.ts'
import { createDoorbellMemory, type DoorbellMemory } from '../shm/doorbell.ts'
import { ManyRing, StreamRing } from '../shm/ring.ts'

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
  /** One cell: 1 once the socket thread has left its loop. */
  readonly socketDone: SharedArrayBuffer
  /**
   * One cell: until when descriptors are left to a thread that is being started, in milliseconds
   * since the node began, as an Int32; 0: they are not.
   */
  readonly acceptsHeld: SharedArrayBuffer
}

export function createNodeMemory(workers: number): NodeMemory {
  const each = (bytes: number): SharedArrayBuffer[] =>
    Array.from({ length: workers }, () => new SharedArrayBuffer(bytes))
  return {
    workers,
    handles: createHandleMemory(HANDLE_ID_MAX, workers),
    names: createNameMemory(),
    env: createEnvMemory(),
    loads: Loads.memory(workers),
    channels: Channels.memory(workers),
    snapshots: Snapshots.memory(),
    monitor: createBusyMemory(workers),
    log: LogLedger.memory(workers),
    bells: createDoorbellMemory(workers + 1),
    claims: createClaims(workers + 2),
    slots: new SharedArrayBuffer(SLOTS_BYTES),
    totals: Totals.memory(workers + 1),
    commands: new SharedArrayBuffer(ManyRing.bytes(COMMAND_RING_BYTES)),
    messages: each(ManyRing.bytes(RING_BYTES)),
    streams: each(StreamRing.bytes(SOCKET_RING_BYTES)),
    socketDone: new SharedArrayBuffer(4),
    acceptsHeld: new SharedArrayBuffer(4),
  }
}

/** The main thread's number: it has no doorbell, but locks and claims. */
export const mainThreadOf = (memory: NodeMemory): number => memory.workers + 1

/** The command ring among the rings: after those of the workers. */
export const commandRingOf = (memory: NodeMemory): number => memory.workers

/** The socket thread's number among the doorbells: after the workers. */
export const socketThreadOf = (memory: NodeMemory): number => memory.workers
