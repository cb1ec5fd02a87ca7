/**
 * Makes the shared memory of a node, once, on the main thread. The other threads are handed it, and
 * load nothing of what others keep in there.
 */
import { SkynetError } from '../../base/errors.ts'
import {
  COMMAND_RING_BYTES,
  HANDLE_ID_MAX,
  RING_BYTES,
  SOCKET_RING_BYTES,
} from '../../base/limits.ts'
import { messageOf } from '../../base/thrown.ts'
import { createBusyMemory } from '../../kernel/busy.ts'
import { Channels } from '../../kernel/channels.ts'
import { createEnvMemory } from '../../kernel/env.ts'
import { createHandleMemory } from '../../kernel/handles.ts'
import { Loads } from '../../kernel/loads.ts'
import { createNameMemory } from '../../kernel/names.ts'
import { Snapshots } from '../../kernel/snapshots.ts'
import { SLOTS_BYTES } from '../../net/slots.ts'
import { Totals } from '../../net/totals.ts'
import { LogLedger } from '../../service/log-ledger.ts'
import { createClaims } from '../../shm/claim.ts'
import { createDoorbellMemory } from '../../shm/doorbell.ts'
import { NativeObjects } from '../../shm/native-objects.ts'
import { ManyRing, StreamRing } from '../../shm/ring.ts'
import type { NodeMemory } from '../memory.ts'

/**
 * @param isInCluster Services of other nodes have handles here.
 * @param handles How many ids services may have: fewer than there are is for nodes of tests.
 * @throws {SkynetError} `ERR_SYSCALL` the system gives no more of it.
 */
export function createNodeMemory(
  workers: number,
  isInCluster = false,
  handles = HANDLE_ID_MAX,
): NodeMemory {
  try {
    return reserve(workers, isInCluster, handles)
  } catch (cause) {
    const call = `reserve the shared memory of ${workers} workers`
    const limits = 'the address space of a process may be limited (ulimit -v), or memory short'
    const reason = `${messageOf(cause)}; ${limits}`
    throw new SkynetError('ERR_SYSCALL', { call, reason }, { cause })
  }
}

function reserve(workers: number, isInCluster: boolean, handles: number): NodeMemory {
  const each = (bytes: number): SharedArrayBuffer[] =>
    Array.from({ length: workers }, () => new SharedArrayBuffer(bytes))
  return {
    workers,
    handles: createHandleMemory(handles, workers, isInCluster),
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
    natives: NativeObjects.memory(workers),
    socketDone: new SharedArrayBuffer(4),
    acceptsHeld: new SharedArrayBuffer(4),
  }
}
