/** The sockets of one service, by id: events of the socket thread find their object here. */

import { checkFlag } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { Queue } from '../base/queue.ts'
import type { SocketClient } from '../net/client/client.ts'
import { addressOf, setSocketOption } from '../net/descriptor.ts'
import { EVENT, type EventRecord } from '../net/event.ts'
import { reserveSlot } from '../net/open.ts'
import { checkOption } from '../os/options.ts'
import type { SocketOption } from '../os/os.ts'
import { type Part, type PartHost, PartKey } from '../service/part.ts'
import { Repeats, type RepeatsHost } from '../service/repeats.ts'
import type { WaitHost } from '../service/wait.ts'

/** An event for a service that is gone: what it owes to others is still done. */
export function orphaned(client: SocketClient, { kind, id, ud }: EventRecord): void {
  if (kind === EVENT.YIELD) client.handover(id, Buffer.alloc(0), ud)
  else if (kind === EVENT.ACCEPT) client.order('shutdown', ud)
}

/** What every kind of socket does for the pool. */
export interface PooledSocket {
  readonly id: number
  happened(kind: number, ud: number, payload: Buffer): void
  /** Of a listener: nobody is accepted any more. */
  stopListening?(): void
  /** Hand on what was written in this turn, and whatever else goes before its end. */
  leave(): void
  /**
   * It is being closed: forget what came, and end who waits for more.
   *
   * @returns True: nothing more will be told of it.
   */
  letGo(): boolean
  /** The service has ended, and what was written is handed on. */
  abandon?(): void
}

/** What sockets need of their service. */
export interface PoolHost extends WaitHost, RepeatsHost, PartHost {
  readonly handle: number
  readonly runtime: { readonly receiveLimitBytes: number }
  readonly context: { readonly mailbox: { readonly length: number } | undefined }
}

export class SocketPool implements Part {
  readonly service: PoolHost
  readonly client: SocketClient
  /** Of much that waits to be sent: many sockets may say so at once. */
  readonly #warnings: Repeats
  readonly #sockets = new Map<number, PooledSocket>()
  /** What waits for LOOKED: the answers come in the order of the orders. */
  readonly #looks = new Queue<() => void>(4)

  constructor(service: PoolHost, client: SocketClient) {
    this.service = service
    this.client = client
    const more = (count: number): string => `WARNING: ${count} more of bytes that need to send out`
    this.#warnings = new Repeats(service, more, 'info')
  }

  /** Bytes received and not read beyond which a socket pauses. */
  get receiveLimitBytes(): number {
    return this.service.runtime.receiveLimitBytes
  }

  /** Much waits to be sent to the socket `id`. */
  warned(kib: number, id: number): void {
    this.#warnings.say(`WARNING: ${kib} K bytes need to send out (socket ${id})`)
  }

  get size(): number {
    return this.#sockets.size
  }

  /**
   * A slot for a new socket.
   *
   * @throws {SkynetError} `ERR_SERVICE_EXITED`: nobody would close that socket; `ERR_SOCKET_LIMIT`.
   */
  reserve(): number {
    if (this.service.hasEnded) throw this.service.exited()
    return reserveSlot(this.client.slots)
  }

  get(id: number): PooledSocket | undefined {
    return this.#sockets.get(id)
  }

  add(socket: PooledSocket): void {
    this.#sockets.set(socket.id, socket)
  }

  remove(id: number): void {
    this.#sockets.delete(id)
  }

  /** Run `then` behind all that the kernel has for socket `id` now. */
  look(id: number, then: () => void): void {
    this.#looks.push(then)
    this.client.order('look', id, this.service.handle)
  }

  /** Messages that wait for the service, those of its sockets among them. */
  get mail(): number {
    return this.service.context.mailbox?.length ?? 0
  }

  receive(event: EventRecord): void {
    const { kind, id, ud, payload } = event
    if (kind === EVENT.LOOKED) {
      this.#looks.shift()?.()
      return
    }
    const socket = this.#sockets.get(id)
    if (socket === undefined) {
      orphaned(this.client, event)
      return
    }
    socket.happened(kind, ud, payload)
  }

  draining(): void {
    for (const socket of this.#sockets.values()) socket.stopListening?.()
  }

  /** What was written still leaves; nothing more is read. */
  closing(): void {
    for (const socket of this.#sockets.values()) {
      socket.leave()
      socket.abandon?.()
      this.client.order('close', socket.id, this.service.handle)
    }
    this.#sockets.clear()
  }

  /** `ip:port` or `unix:path` of either end; empty when it is gone. */
  addressOf(id: number, end: 'local' | 'peer'): string {
    return addressOf(this.client, id, end)
  }

  setNoDelay({ id, isOpen }: { readonly id: number; readonly isOpen: boolean }, on: boolean): void {
    checkFlag('set a socket option', 'on', on)
    if (isOpen) this.client.order('noDelay', id, on ? 1 : 0)
  }

  /** @throws {SkynetError} `ERR_SYSCALL` the system refused it, `ERR_SOCKET_CLOSED`. */
  setOption(id: number, name: SocketOption, value: number): void {
    checkOption('set a socket option', name, value)
    const result = setSocketOption(this.client, id, name, value)
    if (result === undefined) throw new SkynetError('ERR_SOCKET_CLOSED', { id })
    if (result >= 0) return
    const reason = this.client.os.errorText(result)
    throw new SkynetError('ERR_SYSCALL', { call: `set ${name} to ${value}`, reason })
  }
}

const KEY = new PartKey<SocketPool>()

/** Made with the first socket. */
export const poolOf = (service: PoolHost, client: SocketClient): SocketPool =>
  service.part(KEY) ?? service.addPart(KEY, new SocketPool(service, client))

/** Sockets that it owns, listeners included. */
export const socketsOf = (service: PartHost): number => service.part(KEY)?.size ?? 0
