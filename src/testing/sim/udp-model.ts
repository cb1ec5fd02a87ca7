/**
 * What users of a UDP socket may rely on: datagrams are whole and unchanged, none comes twice, and
 * those of one sender keep their order. Some get lost, but none that the system handed out.
 */
import assert from 'node:assert/strict'
import { EVENT } from '../../net/event.ts'
import { expandAddress } from '../../os/compact.ts'
import { SimDrains } from './drains.ts'
import type { KeptMailbox } from './network.ts'
import type { SettingsModel } from './settings-model.ts'
import { patternAt } from './stream.ts'

/** Worker, and count in two bytes. */
const HEAD_BYTES = 3

export class UdpModel {
  readonly id: number
  readonly mailbox: KeptMailbox
  readonly settings: SettingsModel
  phase: 'opening' | 'open' | 'over' = 'opening'
  isPaused = false
  /** Orders to go on reading: one that comes too late is answered with ERROR. */
  resumed = 0
  isClosing = false
  readonly drains: SimDrains
  /** Lengths of what each worker sent. */
  readonly #sent: readonly number[][] = [[], []]
  /** Of each worker: the next that may arrive. */
  readonly #next = [0, 0]

  constructor(id: number, mailbox: KeptMailbox, settings: SettingsModel) {
    this.id = id
    this.mailbox = mailbox
    this.settings = settings
    // It may drop what is sent beyond its limit: how far it is with the rest is nobody's promise.
    this.drains = new SimDrains({ id, bytesTaken: undefined })
  }

  /** @param length At least HEAD_BYTES. */
  make(worker: number, length: number): Buffer {
    const count = this.#sent[worker]!.length
    this.#sent[worker]!.push(length)
    const bytes = Buffer.from(patternAt(count % 251, 0, length))
    bytes[0] = worker
    bytes.writeUInt16LE(count, 1)
    return bytes
  }

  unmake(worker: number): void {
    this.#sent[worker]!.pop()
  }

  /** A host got this from us. */
  arrived(bytes: Buffer): void {
    const worker = bytes[0]!
    const count = bytes.readUInt16LE(1)
    const told = `socket ${this.id}: datagram ${count} of worker ${worker}`
    assert.equal(bytes.length, this.#sent[worker]![count], `${told}: its length`)
    const rest = bytes.subarray(HEAD_BYTES)
    assert.ok(patternAt(count % 251, HEAD_BYTES, rest.length).equals(rest), `${told}: its bytes`)
    assert.ok(count >= this.#next[worker]!, `${told} came twice, or late`)
    this.#next[worker] = count + 1
  }

  happened(kind: number, ud: number, payload: Buffer): void {
    const told = `socket ${this.id}: event ${kind} ${payload} while ${this.phase}`
    if (kind === EVENT.DRAIN) {
      this.drains.answered(ud)
      return
    }
    if (this.phase === 'over' && kind === EVENT.ERROR && this.resumed > 0) return
    assert.notEqual(this.phase, 'over', told)
    if (kind === EVENT.OPEN) {
      assert.equal(this.phase, 'opening', told)
      this.phase = 'open'
    } else if (kind === EVENT.UDP) this.#received(ud, payload)
    else if (kind === EVENT.CLOSE) this.#closed(told)
    else {
      assert.equal(kind, EVENT.ERROR, told)
      this.isClosing = true
      assert.ok(this.settings.isExpiry(payload.toString(), this.mailbox), told)
    }
  }

  #received(length: number, payload: Buffer): void {
    const next = this.mailbox.handedOut.shift()
    assert.ok(next !== undefined, `socket ${this.id}: a datagram that nobody sent`)
    const isSame = next.bytes.equals(payload.subarray(0, length))
    assert.ok(isSame, `socket ${this.id}: a datagram that was lost, or changed`)
    assert.deepEqual(expandAddress(payload.subarray(length)), next.from)
  }

  #closed(told: string): void {
    assert.ok(this.isClosing, told)
    assert.equal(this.mailbox.handedOut.length, 0, `socket ${this.id}: datagrams are lost`)
    this.phase = 'over'
  }

  /** All is over. @param isClean False: orders may have been left unread. */
  checkEnd(isClean: boolean): void {
    if (!isClean) return
    assert.equal(this.phase, 'over', `socket ${this.id}: its owner was not told the end`)
    this.drains.checkAnswered()
  }

  /** Everybody took as many turns as they could. */
  checkArrived(): void {
    if (this.phase !== 'open' || this.isClosing) return
    assert.equal(this.mailbox.handedOut.length, 0, `socket ${this.id}: a datagram was not told`)
    if (!this.isPaused) {
      assert.equal(this.mailbox.inbox.length, 0, `socket ${this.id}: a datagram was not read`)
    }
    if (this.settings.mayRefuse) return
    const sent = this.#sent[0]!.length + this.#sent[1]!.length
    assert.equal(this.mailbox.doneWith, sent, `socket ${this.id}: a datagram was not sent`)
  }
}
