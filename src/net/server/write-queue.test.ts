import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Parcel, SharedBytes } from '../shared-bytes.ts'
import { WriteQueue } from './write-queue.ts'

const STAGING = Buffer.alloc(64)

test('WriteQueue gives all bytes in order, and counts complete sends, whatever is taken', () => {
  const steps = fc.array(fc.oneof(fc.string({ minLength: 1, maxLength: 90 }), fc.nat(100)))
  fc.assert(
    fc.property(steps, (operations) => {
      const queue = new WriteQueue()
      const waiting: Buffer[] = []
      for (const step of [...operations, ...new Array<number>(operations.length * 8).fill(100)]) {
        if (typeof step === 'string') {
          queue.push(Buffer.from(step))
          waiting.push(Buffer.from(step))
        } else take(queue, waiting, step)
        assert.equal(queue.length, waiting.length)
        assert.equal(queue.bytes, Buffer.concat(waiting).length)
      }
    }),
  )
})

/** The kernel takes up to `max` bytes of what `peek` offers; `waiting` is what must be left. */
function take(queue: WriteQueue, waiting: Buffer[], max: number): void {
  const next = queue.peek(STAGING)
  if (next === undefined) {
    assert.equal(waiting.length, 0)
    return
  }
  const offered = next.bytes.subarray(next.offset, next.offset + next.length)
  const all = Buffer.concat(waiting)
  assert.ok(offered.length > 0 && offered.equals(all.subarray(0, offered.length)))
  let left = Math.min(max, next.length)
  let done = 0
  const reported = queue.written(left)
  while (left > 0) {
    const [first] = waiting
    if (left < first!.length) {
      waiting[0] = first!.subarray(left)
      break
    }
    left -= first!.length
    waiting.shift()
    done++
  }
  assert.equal(reported, done)
}

test('unshift puts the rest of a direct write before everything', () => {
  const queue = new WriteQueue()
  for (const text of ['b', 'c']) queue.push(Buffer.from(text))
  queue.unshift(Buffer.from('a'))
  assert.deepEqual([queue.length, queue.bytes], [3, 3])
  const next = queue.peek(STAGING)!
  assert.equal(next.bytes.toString('latin1', next.offset, next.offset + next.length), 'abc')
  assert.equal(queue.written(3), 3)
  assert.equal(queue.peek(STAGING), undefined)
})

test('peek offers a large buffer itself, without a copy', () => {
  const queue = new WriteQueue()
  const large = Buffer.alloc(STAGING.length, 'l')
  queue.push(large)
  queue.push(Buffer.from('small'))
  assert.equal(queue.peek(STAGING)!.bytes, large)
})

type Step =
  | { readonly put: 'high' | 'low'; readonly length: number; readonly isShared: boolean }
  | { readonly put: 'rest'; readonly length: number; readonly begun: number }
  | { readonly take: number }
  | { readonly clear: true }

const length = fc.integer({ min: 1, max: 90 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ put: priority(), length, isShared: fc.boolean() }) },
    {
      weight: 1,
      arbitrary: fc.record({ put: fc.constant('rest' as const), length, begun: length }),
    },
    { weight: 4, arbitrary: fc.record({ take: fc.nat(100) }) },
    { weight: 1, arbitrary: fc.record({ clear: fc.constant(true as const) }) },
  ),
  { maxLength: 60 },
)

function priority(): fc.Arbitrary<'high' | 'low'> {
  return fc.constantFrom('high' as const, 'low' as const)
}

// Proves: docs/semantics.md#priority
test('WriteQueue of two priorities cuts no send, frees what is shared once, and counts', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const pair = new QueueAndModel()
      for (const step of list) pair.run(step)
      pair.finish()
    }),
  )
})

/** A send as the model has it. */
interface Send {
  readonly isLow: boolean
  /** What has not left. */
  rest: Buffer
  isBegun: boolean
}

/** A queue beside what it should be: a list, searched each time for what leaves next. */
class QueueAndModel {
  readonly queue = new WriteQueue()
  sends: Send[] = []
  /** Frees of each shared parcel, and whether its send is done. */
  readonly shared: { frees: number; isDone: () => boolean }[] = []
  #next = 0

  run(step: Step): void {
    if ('take' in step) this.#take(step.take)
    else if ('clear' in step) this.#clear()
    else if (step.put === 'rest') this.#unshift(step.length, step.begun)
    else this.#push(step.put === 'low', step.length, step.isShared)
    assert.equal(this.queue.length, this.sends.length)
    assert.equal(this.queue.bytes, Buffer.concat(this.sends.map(({ rest }) => rest)).length)
    for (const { frees, isDone } of this.shared) assert.equal(frees, isDone() ? 1 : 0)
  }

  /** The kernel takes everything. */
  finish(): void {
    while (this.sends.length > 0) this.run({ take: 100 })
    assert.equal(this.queue.peek(STAGING), undefined)
  }

  #push(isLow: boolean, size: number, isShared: boolean): void {
    const bytes = this.#bytes(size)
    const isAlone = this.sends.length === 0
    const send = { isLow: isLow && !isAlone, rest: bytes, isBegun: false }
    this.sends.push(send)
    const parcel = isShared ? this.#share(bytes, send) : bytes
    if (isLow) this.queue.pushLow(parcel)
    else this.queue.push(parcel)
  }

  /** As the server does: a rest comes only while nothing in the queue has begun. */
  #unshift(size: number, begun: number): void {
    if (this.sends.some(({ isBegun }) => isBegun)) return
    const bytes = this.#bytes(size + begun)
    const send = { isLow: false, rest: bytes.subarray(begun), isBegun: true }
    this.sends.unshift(send)
    this.queue.unshift(this.#share(bytes, send), begun)
  }

  #take(max: number): void {
    const offer = this.queue.peek(STAGING)
    if (offer === undefined) {
      assert.deepEqual(this.sends, [])
      return
    }
    const count = Math.min(max, offer.length)
    let offered = offer.bytes.subarray(offer.offset, offer.offset + count)
    let done = 0
    while (offered.length > 0) {
      const first = this.#first()
      const part = Math.min(first.rest.length, offered.length)
      assert.deepEqual(offered.subarray(0, part), first.rest.subarray(0, part))
      offered = Buffer.from(offered.subarray(part))
      first.rest = first.rest.subarray(part)
      first.isBegun = true
      if (first.rest.length > 0) continue
      this.sends.splice(this.sends.indexOf(first), 1)
      done++
    }
    assert.equal(this.queue.written(count), done)
  }

  /** What was begun; else the first high one; else the first. */
  #first(): Send {
    const { sends } = this
    const found = sends.find(({ isBegun }) => isBegun) ?? sends.find(({ isLow }) => !isLow)
    return found ?? sends[0]!
  }

  #clear(): void {
    const { length: count } = this.sends
    this.sends = []
    assert.equal(this.queue.clear(), count)
  }

  #share(bytes: Buffer, send: Send): Parcel {
    const entry = { frees: 0, isDone: () => !this.sends.includes(send) }
    this.shared.push(entry)
    return new SharedBytes(bytes, 1, () => entry.frees++)
  }

  /** No two sends are alike. */
  #bytes(size: number): Buffer {
    return Buffer.from(Array.from({ length: size }, () => this.#next++ & 0xff))
  }
}
