/** What a program sends to the connections of its own loop. */
import { bufferOf } from '../../base/bytes.ts'
import { checkArray } from '../../base/check.ts'
import { checkIds } from '../client/broadcaster.ts'
import { NOT_BEGUN } from '../commands.ts'
import type { Socket } from '../server/socket.ts'
import { enqueue, overflowed } from '../server/tcp.ts'
import { SEND_POLICY } from '../settings.ts'
import { SharedBytes } from '../shared-bytes.ts'
import { STATE } from '../state.ts'
import type { OwnLoop } from './own-loop.ts'

export class OwnStreams {
  readonly #loop: OwnLoop

  constructor(loop: OwnLoop) {
    this.#loop = loop
  }

  /**
   * @param socket Undefined: it is gone.
   * @param free Given: the bytes stay where they are until it is called.
   * @returns False when the bytes were dropped.
   */
  send(
    socket: Socket | undefined,
    bytes: Uint8Array,
    isLow: boolean,
    free: (() => void) | undefined,
  ): boolean {
    const { sends } = this.#loop.client
    const taker = socket !== undefined && this.#isWritable(socket) ? socket : undefined
    if (free !== undefined) this.#lend(taker, bytes, free, isLow)
    else if (taker !== undefined && isLow) sends.sendLow(taker.id, bytes)
    else if (taker !== undefined) sends.send(taker.id, bytes, bytes.length)
    this.#loop.obey()
    return taker !== undefined
  }

  broadcast(ids: readonly number[], bytes: Uint8Array): void {
    checkArray('broadcast', 'ids', ids)
    checkIds(ids)
    if (bytes.length === 0) return
    this.#loop.client.sends.sendToAll(ids, bytes)
    this.#loop.obey()
  }

  /** Send bytes that stay where they are. To nobody: then they are done with. */
  #lend(socket: Socket | undefined, bytes: Uint8Array, free: () => void, isLow: boolean): void {
    const { callbacks, sockets } = this.#loop
    const buffer = bufferOf(bytes)
    const parcel = new SharedBytes(buffer, 1, () => callbacks.giveBack(free))
    if (socket === undefined) {
      parcel.release()
      return
    }
    // Counted, until it is sent or dropped.
    sockets.settle(socket.at, -1, -buffer.length)
    enqueue(sockets, socket, parcel, NOT_BEGUN, isLow)
  }

  /** Beyond its limit the policy of the socket decides, which may end it. */
  #isWritable(socket: Socket): boolean {
    const { sockets } = this.#loop
    const state = sockets.stateOf(socket)
    if (state === STATE.PLISTEN || state === STATE.LISTEN) return false
    if (socket.closing || socket.ending || state === STATE.HALFCLOSE_WRITE) return false
    if (!sockets.slots.isFull(socket.id)) return true
    if (sockets.slots.policyOf(socket.id) === SEND_POLICY.close) overflowed(sockets, socket)
    return false
  }
}
