/**
 * Another node, by its name: where it is, and the connection to it, which the first request makes,
 * and the first one after it was lost.
 */
import { SkynetError } from '../base/errors.ts'
import type { Asked } from './asked.ts'
import { type ClusterSocket, Sender, type SenderLimits } from './sender.ts'
import { SessionNumbers } from './sessions.ts'

/** `host:port`; false: it is down; undefined: nobody has said where it is. */
export type NodeAddress = string | false | undefined

/** What a node needs to be reached. */
export interface RemoteHost {
  readonly limits: SenderLimits
  /** Of this one, for traces. */
  readonly nodeName: string
  /** Requests for a node of which nobody knows are refused, and do not wait. */
  readonly isNoWaiting: boolean
  /** Rejects when nobody is there. */
  connect(address: string): Promise<ClusterSocket>
  say(text: string): void
}

/** What a node of the cluster is now: for lists. */
export type RemoteState = 'unknown' | 'down' | 'idle' | 'connecting' | 'open'

export class RemoteNode {
  readonly name: string
  readonly #host: RemoteHost
  readonly #sessions = new SessionNumbers()
  #address: NodeAddress
  #sender: Sender | undefined
  /** By identity: one that was overtaken by another address is not ours any more. */
  #attempt: object | undefined
  /** What waits for a connection, in the order it came. */
  #waiting = new Set<Asked>()
  #waitingBytes = 0

  constructor(name: string, host: RemoteHost) {
    this.name = name
    this.#host = host
  }

  get address(): NodeAddress {
    return this.#address
  }

  /** Calls that were sent, and requests that wait for a connection. */
  get pending(): number {
    return this.#waiting.size + (this.#sender?.pending ?? 0)
  }

  get state(): RemoteState {
    if (this.#address === undefined) return 'unknown'
    if (this.#address === false) return 'down'
    if (this.#attempt !== undefined) return 'connecting'
    return this.#sender?.isOpen === true ? 'open' : 'idle'
  }

  /** Nobody has said where it is, and nobody waits for that. */
  get isForgotten(): boolean {
    return this.#address === undefined && this.#waiting.size === 0
  }

  /** It is there now. Who waits for an answer of where it was is told that it is lost. */
  move(address: string | false): void {
    if (address === this.#address) return
    const isFirst = this.#address === undefined
    this.#address = address
    if (isFirst && address !== false && this.#waiting.size > 0) {
      this.#host.say(`Cluster node [${this.name}] resolved : ${address}`)
    }
    this.#attempt = undefined
    this.#sender?.end(address === false ? DOWN : `the node is at ${address} now`)
    this.#sender = undefined
    if (address === false) this.#refuse((asked) => asked.down(DOWN))
    else if (this.#waiting.size > 0) this.#connect(address)
  }

  /** Nobody waits for addresses from now on. */
  stopWaiting(): void {
    if (this.#address === undefined) this.#refuse((asked) => asked.down(ABSENT))
  }

  ask(asked: Asked): void {
    const sender = this.#sender
    if (sender?.isOpen === true) {
      send(sender, asked)
      return
    }
    const address = this.#address
    if (address === false) asked.down(DOWN)
    else if (address === undefined && this.#host.isNoWaiting) asked.down(ABSENT)
    else this.#wait(asked, address)
  }

  /** Nobody waits for it any more. */
  forget(asked: Asked): void {
    if (this.#waiting.delete(asked)) this.#waitingBytes -= asked.message.length
    else this.#sender?.forget(asked)
  }

  #wait(asked: Asked, address: string | undefined): void {
    const { calls, queueBytes } = this.#host.limits
    if (this.#waiting.size >= calls) {
      asked.full('requests that wait for a connection', calls)
      return
    }
    if (this.#waitingBytes + asked.message.length > queueBytes) {
      asked.full('bytes that wait to be sent', queueBytes)
      return
    }
    this.#waiting.add(asked)
    this.#waitingBytes += asked.message.length
    if (address !== undefined) this.#connect(address)
    else if (this.#waiting.size === 1) {
      this.#host.say(`Waiting for cluster node [${this.name}]`)
    }
  }

  #connect(address: string): void {
    if (this.#attempt !== undefined) return
    const attempt = {}
    this.#attempt = attempt
    this.#host.connect(address).then(
      (socket) => {
        if (this.#attempt !== attempt) void socket.close().catch(() => {})
        else this.#begin(socket)
      },
      (cause: unknown) => {
        if (this.#attempt !== attempt) return
        this.#attempt = undefined
        const reason = cause instanceof Error ? cause.message : String(cause)
        this.#refuse((asked) => asked.lost(reason, cause))
      },
    )
  }

  #begin(socket: ClusterSocket): void {
    const { limits, nodeName } = this.#host
    this.#attempt = undefined
    const sender = new Sender(socket, this.#sessions, limits, nodeName)
    this.#sender = sender
    for (const asked of this.#take()) send(sender, asked)
    void sender.run()
  }

  #refuse(end: (asked: Asked) => void): void {
    for (const asked of this.#take()) end(asked)
  }

  #take(): Iterable<Asked> {
    const waiting = this.#waiting
    this.#waiting = new Set()
    this.#waitingBytes = 0
    return waiting
  }
}

function send(sender: Sender, asked: Asked): void {
  if (asked.kind === 'connect') asked.resolve(NOTHING)
  else sender.ask(asked)
}

const NOTHING = Buffer.alloc(0)
const DOWN = 'it is marked as down'
const ABSENT = 'nobody has said where it is'

/** @throws {SkynetError} `ERR_SKYNETCLUSTER_DOWN` unless it is known where it is. */
export function knownAddress(node: string, address: NodeAddress): string {
  if (typeof address === 'string') return address
  const reason = address === false ? DOWN : ABSENT
  throw new SkynetError('ERR_SKYNETCLUSTER_DOWN', { node, reason, sent: 'no' })
}
