/** Sockets of a service in a unit test, which is the socket thread: it reads orders, and emits. */
import { List, type ListNode } from '../base/list.ts'
import type { SocketClient } from '../net/client/client.ts'
import { Writer } from '../net/client/writer.ts'
import { EVENT } from '../net/event.ts'
import { PROTOCOL, type Slots } from '../net/slots.ts'
import { STATE } from '../net/state.ts'
import { SocketPool } from '../sockets/pool.ts'

type Waiting = ListNode & { reject(error: unknown): void }

export class TestPool {
  /** What was ordered, in order: `close 1`. */
  readonly orders: string[] = []
  /** What the socket thread got to send. */
  readonly sent: string[] = []
  /** What was given back of a connection that moves. */
  readonly unread: string[] = []
  readonly logged: string[] = []
  /** Waits of the service that have not ended. */
  readonly waits = new List<Waiting>()
  /** What the slot of every socket shows. */
  readonly slot = { state: STATE.CONNECTED as number, queued: 0, policy: 0, limit: 100 }
  readonly pool: SocketPool
  /** Limits of waits that were asked for. */
  readonly timers: number[] = []
  hasEnded = false
  /** Messages that wait for the service. */
  readonly mailbox = { length: 0 }

  constructor(receiveLimitBytes = 100) {
    const { waits, logged } = this
    const self = this
    const service = {
      handle: 10,
      context: { mailbox: this.mailbox },
      runtime: { receiveLimitBytes },
      get hasEnded() {
        return self.hasEnded
      },
      exited: () => new Error('it has ended'),
      addWaiter: (waiter: Waiting) => waits.add(waiter),
      removeWaiter: (waiter: Waiting) => waits.remove(waiter),
      addTimer: (ms: number) => this.timers.push(ms),
      cancelTimers() {},
      afterMail: (then: () => void) => then(),
      say: (_level: string, text: string) => void logged.push(text),
      after() {},
      part: () => undefined,
      addPart: <P>(_key: unknown, part: P) => part,
    }
    this.pool = new SocketPool(service, this.#client())
  }

  #client(): SocketClient {
    const { slot, sent, orders } = this
    const slots = {
      stateOf: () => slot.state,
      queuedOf: () => slot.queued,
      pendingOf: () => slot.queued,
      policyOf: () => slot.policy,
      limitOf: () => slot.limit,
      protocolOf: () => PROTOCOL.stream,
      isFull: (_id: number, more = 0) => slot.queued + more >= slot.limit,
    } as unknown as Slots
    const order = (kind: string, id: number) => void orders.push(`${kind} ${id}`)
    const host = {
      slots,
      markDirty() {},
      send: (_id: number, bytes: Uint8Array, length: number) => {
        sent.push(Buffer.from(bytes.subarray(0, length)).toString())
        return slot.state !== STATE.INVALID
      },
      sendLow: () => true,
      order,
    }
    const client = {
      slots,
      order,
      ownWriter: (id: number) => new Writer(host, id),
      handover: (_id: number, unread: Buffer) => void this.unread.push(unread.toString()),
      os: { errorText: String },
    }
    return client as unknown as SocketClient
  }

  /** The socket thread tells of socket `id`. */
  emit(kind: keyof typeof EVENT, id: number, ud = 0, text = ''): void {
    this.pool.receive({ kind: EVENT[kind], id, ud, payload: Buffer.from(text) })
  }

  /** The service ends, as `Service` does it. */
  end(): void {
    this.hasEnded = true
    this.pool.closing()
    for (let at = this.waits.first; at !== undefined; at = this.waits.first) {
      at.reject(new Error('it has ended'))
    }
  }
}
