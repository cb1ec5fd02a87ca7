/**
 * The life of a socket of a service, the same for every kind: at which stage it is, who waits until
 * it is open or closed, and in which order it is closed.
 */
import assert from 'node:assert/strict'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import type { COMMAND } from '../net/commands.ts'
import { STATE } from '../net/state.ts'
import { SocketWait, Waiter, waitAlong } from '../service/wait.ts'
import { type WaitOptions, wrongWait } from '../service/wait-options.ts'
import type { PooledSocket, SocketPool } from './pool.ts'

/** Row: a stage. Cell: the stages that may follow. What is not there is a bug of ours. */
const NEXT = {
  /** Accepted. Nobody has used it, and the socket thread does not read it. */
  waiting: ['open', 'ended', 'closed', 'moved'],
  /** Asked for. The socket thread has not said that it is there. */
  opening: ['open', 'ended', 'closed', 'moved'],
  open: ['ended', 'closed', 'moved'],
  /** The peer has ended: nothing more comes, and there may be something to write. */
  ended: ['closed', 'moved'],
  /** Closed here, or failed. The descriptor of a listener or UDP socket is there until `gone`. */
  closed: [],
  /** Another service has it. */
  moved: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type Stage = keyof typeof NEXT

/** @param error Of the socket, which has failed by it. */
export function closedBy(id: number, error: SkynetError | undefined): SkynetError {
  const isKnown = isSkynetError(error, 'ERR_SOCKET_FAILED')
  const info = isKnown ? { id, reason: error.info.reason } : { id }
  return new SkynetError('ERR_SOCKET_CLOSED', info, { cause: error })
}

export class SocketLife {
  readonly pool: SocketPool
  /** Why it has failed. */
  error: SkynetError | undefined
  readonly #owner: PooledSocket
  #stage: Stage
  #opening: Waiter<void> | undefined
  #closing: Waiter<void> | undefined

  /** @param owner The socket whose life it is: the pool hands it the events of its id. */
  constructor(pool: SocketPool, owner: PooledSocket, stage: 'waiting' | 'opening') {
    this.pool = pool
    this.#owner = owner
    this.#stage = stage
    pool.add(owner)
  }

  get id(): number {
    return this.#owner.id
  }

  get stage(): Stage {
    return this.#stage
  }

  /** It is another's, or nobody's. */
  get isOver(): boolean {
    return this.#stage === 'closed' || this.#stage === 'moved'
  }

  /** Somebody has closed it, and the socket thread has not said that it is closed. */
  get isClosing(): boolean {
    return this.#closing !== undefined
  }

  /** When both sides have ended nobody says so: the slot shows it. */
  get isOpen(): boolean {
    if (this.error !== undefined) return false
    if (this.#stage !== 'ended') return !this.isOver
    return this.pool.client.slots.stateOf(this.id) !== STATE.INVALID
  }

  /** Why there is nothing to wait for. Made for who waits: its stack costs more than a close. */
  get failure(): SkynetError {
    if (this.error !== undefined) return this.error
    const isMoved = this.#stage === 'moved'
    return isMoved ? new SkynetError('ERR_SOCKET_MOVED', { id: this.id }) : this.closed()
  }

  /** Why a call that came too late is refused. */
  closed(): SkynetError {
    return closedBy(this.id, this.error)
  }

  /** The socket thread says that it has failed. */
  fail(reason: string): void {
    this.error = new SkynetError('ERR_SOCKET_FAILED', { id: this.id, reason })
  }

  /** @throws {SkynetError} Why it is not. */
  checkOpen(): void {
    if (!this.isOpen) throw this.failure
  }

  move(to: Stage): void {
    const next: readonly Stage[] = NEXT[this.#stage]
    assert(next.includes(to), `no move from ${this.#stage} to ${to}`)
    this.#stage = to
  }

  order(type: keyof typeof COMMAND, session = 0): void {
    this.pool.client.order(type, this.id, this.pool.service.handle, session)
  }

  /** A wait for something of this socket. `verb`: what stands before `socket 70000`. */
  wait(verb: string): SocketWait {
    return new SocketWait(verb, this.id, this.pool)
  }

  // --- opening -------------------------------------------------------------------------------

  /** First use of what was accepted: read it from now on. */
  start(): void {
    if (this.#stage !== 'waiting') return
    this.move('open')
    this.order('start')
  }

  /** Wait until the socket thread says that it is there. What brings that about is ordered next. */
  open(verb: string, options: WaitOptions | undefined): Promise<void> {
    this.#opening = new Waiter<void>(this.pool.service, this.wait(verb), options)
    return this.#opening.promise
  }

  /** The socket thread says that it is there. */
  opened(): void {
    if (this.#stage === 'opening' || this.#stage === 'waiting') this.move('open')
    this.#opening?.resolve()
    this.#opening = undefined
  }

  /** It will not be there. */
  failOpening(): void {
    this.#opening?.reject(this.failure)
    this.#opening = undefined
  }

  // --- closing -------------------------------------------------------------------------------

  /**
   * Close it. It closes all the same when nobody waits any more.
   *
   * What was written goes before the order to close, what came is dropped behind it.
   */
  close(options?: WaitOptions): Promise<void> {
    const wrong = wrongWait('close', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    const closed = this.#close()
    if (closed === undefined) return Promise.resolve()
    return waitAlong(this.pool.service, this.wait('close'), options, closed)
  }

  /** @returns Undefined: there is nothing to wait for, nor any more for whom. */
  #close(): Promise<void> | undefined {
    const { service } = this.pool
    if (!this.isOver) {
      this.#owner.leave()
      this.order('close')
      const isGone = this.#owner.letGo()
      if (isGone || service.hasEnded) return undefined
      this.#closing ??= new Waiter<void>(service, this.wait('close'), undefined)
    }
    return service.hasEnded ? undefined : this.#closing?.promise
  }

  /** Nothing more will be told of it. */
  gone(): void {
    this.pool.remove(this.id)
    this.#closing?.resolve()
    this.#closing = undefined
  }
}

/** Wait until a socket is open. One that does not come to be is closed. */
export async function openOrClose(
  opening: Promise<void>,
  socket: { close(): Promise<void> },
): Promise<void> {
  try {
    await opening
  } catch (error) {
    void socket.close().catch(() => {})
    throw error
  }
}
