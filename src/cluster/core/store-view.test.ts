import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import { Later } from '../../testing/cluster-sim/later.ts'
import type { OpenedStore, StoreEntry } from './store.ts'
import { StoreView, type ViewedStore } from './store-view.ts'

const WAIT_MS = 1000
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const OPENED = { so: 'same', elsewhere: 'new', never: 'mistaken' } as const

/** A store whose every word is the test's. */
class Puppet implements ViewedStore {
  now = 0
  readonly told: string[] = []
  readonly opens: Later<OpenedStore>[] = []
  readonly writes: Later<number>[] = []
  each: (entry: StoreEntry) => void = () => undefined
  lost: (reason: unknown) => void = () => undefined
  ready = new Later<void>()
  readonly view = new StoreView(
    this,
    {
      now: () => this.now,
      opened: (_ageMs, before) => this.told.push(OPENED[before]),
      entry: ({ key, revision, value }) =>
        this.told.push(`${key} ${revision}${value === undefined ? ' gone' : ''}`),
      synced: () => this.told.push('synced'),
      lost: () => this.told.push('lost'),
    },
    WAIT_MS,
  )

  open(): Later<OpenedStore> {
    const later = new Later<OpenedStore>()
    this.opens.push(later)
    return later
  }

  cas(): Later<number> {
    const later = new Later<number>()
    this.writes.push(later)
    return later
  }

  watch(
    each: (entry: StoreEntry) => void,
    lost: (reason: unknown) => void,
  ): { close(): void; ready: Later<void> } {
    this.each = each
    this.lost = lost
    this.ready = new Later()
    return { close: () => undefined, ready: this.ready }
  }

  tell(...entries: [key: string, revision: number, isGone?: 'gone'][]): void {
    for (const [key, revision, isGone] of entries) {
      this.each({ key, revision, value: isGone ? undefined : bytes(key) })
    }
  }

  take(): string[] {
    return this.told.splice(0)
  }

  opened(era = 1): this {
    this.view.open()
    this.opens.at(-1)!.resolve({ era })
    return this
  }

  again(era = 1, revision?: number): void {
    this.lost('a test says so')
    this.openAgain(era, revision)
  }

  openAgain(era = 1, revision?: number, afterMs = WAIT_MS): void {
    this.now += afterMs
    this.view.tick()
    this.opens.at(-1)!.resolve({ era, ...(revision === undefined ? {} : { revision }) })
  }
}

test('StoreView tells what there is, then that it is all, then changes', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 2])
  store.ready.resolve(undefined)
  store.tell(['a', 3], ['b', 4, 'gone'])
  assert.deepEqual(store.take(), ['new', 'a 1', 'b 2', 'synced', 'a 3', 'b 4 gone'])
  assert.equal(store.view.get('a')?.revision, 3)
  assert.equal(store.view.get('b'), undefined)
})

test('StoreView does not tell again what it knows, and finds what has gone meanwhile', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 2], ['c', 3])
  store.ready.resolve(undefined)
  store.take()
  store.again()
  store.tell(['a', 1], ['c', 5])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['lost', 'same', 'c 5', 'b 5 gone', 'synced'])
})

test('StoreView finds in a list what the watch before has passed over', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 2])
  store.ready.resolve(undefined)
  // Between them a was written with 4, and c with 5.
  store.tell(['b', 6])
  store.take()
  store.again()
  store.tell(['a', 4], ['c', 5], ['b', 6])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['lost', 'same', 'a 4', 'c 5', 'synced'])
  assert.equal(store.view.get('a')?.revision, 4)
})

test('StoreView finds it too in a list that ends with what has been forgotten', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 2])
  store.ready.resolve(undefined)
  store.tell(['c', 5, 'gone'])
  store.take()
  store.again(1, 5)
  store.tell(['a', 4], ['d', 3])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['lost', 'same', 'a 4', 'd 3', 'b 5 gone', 'synced'])
})

test('StoreView says of what has gone that it went behind what is known of it', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 9])
  store.ready.resolve(undefined)
  store.take()
  // With 10 b was deleted, and is forgotten.
  store.again(1, 10)
  store.tell(['a', 1])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['lost', 'same', 'b 10 gone', 'synced'])
})

test('StoreView believes no list that is older than what it knows', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 2])
  store.ready.resolve(undefined)
  store.tell(['a', 3, 'gone'])
  store.take()
  store.again()
  store.tell(['a', 1], ['b', 2])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['lost', 'same', 'synced'])
  assert.equal(store.view.get('a'), undefined)
})

test('StoreView forgets what it was told when the store has never come so far', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 9])
  store.ready.resolve(undefined)
  store.take()
  store.again(1, 9)
  store.tell(['a', 1], ['b', 9])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['lost', 'same', 'synced'], 'it may have come just so far')
  store.again(1, 8)
  for (let times = 1; times < 16; times++) store.openAgain(1, 8, WAIT_MS / 4)
  assert.deepEqual(store.take(), Array(17).fill('lost'))
  store.openAgain(1, 8, WAIT_MS / 4)
  store.tell(['a', 1], ['b', 8])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['mistaken', 'a 1', 'b 8', 'synced'])
  store.tell(['b', 9])
  assert.deepEqual(store.take(), ['b 9'])
})

test('StoreView waits for who leads the store until that one has caught up', () => {
  // However long nobody answers meanwhile.
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 9])
  store.ready.resolve(undefined)
  store.take()
  for (let times = 0; times < 2; times++) {
    store.again(1, 8)
    for (let waits = 1; waits < 4; waits++) store.openAgain(1, 8, 100 * WAIT_MS)
    store.openAgain(1, 9)
    store.tell(['a', 1], ['b', 9])
    store.ready.resolve(undefined)
    assert.deepEqual(store.take(), ['lost', 'lost', 'lost', 'lost', 'lost', 'same', 'synced'])
  }
})

test('StoreView forgets what it was told when a list is new, and has less of a key', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 9])
  store.ready.resolve(undefined)
  store.take()
  store.again()
  store.tell(['b', 7], ['c', 10])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['lost', 'same', 'c 10', 'lost'])
  store.openAgain()
  store.tell(['b', 7], ['c', 10])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['mistaken', 'b 7', 'c 10', 'synced'])
})

test('StoreView takes nothing for gone when a list is older than what it knows', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1], ['b', 2])
  store.ready.resolve(undefined)
  store.take()
  store.again()
  store.tell(['a', 1])
  store.ready.resolve(undefined)
  store.tell(['b', 2])
  assert.deepEqual(store.take(), ['lost', 'same', 'synced'])
  assert.equal(store.view.get('b')?.revision, 2)
})

test('StoreView knows its own write before the watch tells it, and tells it once', () => {
  const store = new Puppet().opened()
  store.ready.resolve(undefined)
  store.view.cas('a', bytes('x'), 0, (outcome, revision) =>
    store.told.push(`${outcome} ${revision}`),
  )
  store.writes[0]!.resolve(4)
  store.tell(['b', 3], ['a', 4])
  assert.deepEqual(store.take(), ['new', 'synced', 'a 4', 'done 4', 'b 3'])
})

test('StoreView keeps its own deletion before an older value that comes late', () => {
  const store = new Puppet().opened()
  store.tell(['a', 1])
  store.ready.resolve(undefined)
  store.view.cas('a', undefined, 2, () => undefined)
  store.writes[0]!.resolve(3)
  store.take()
  store.tell(['a', 2], ['a', 3, 'gone'], ['a', 4])
  assert.deepEqual(store.take(), ['a 4'])
})

test('StoreView ignores the answer to a write when the watch has told something later', () => {
  const store = new Puppet().opened()
  store.ready.resolve(undefined)
  store.view.cas('a', bytes('x'), 0, () => undefined)
  store.tell(['a', 1], ['a', 2])
  store.take()
  store.writes[0]!.resolve(1)
  assert.deepEqual(store.take(), [])
  assert.equal(store.view.get('a')?.revision, 2)
})

test('StoreView forgets all in another era', () => {
  const store = new Puppet().opened()
  store.tell(['a', 7])
  store.ready.resolve(undefined)
  store.again(2)
  assert.equal(store.view.get('a'), undefined)
  store.tell(['b', 1])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['new', 'a 7', 'synced', 'lost', 'new', 'b 1', 'synced'])
})

test('StoreView gives up what does not answer, and opens again with pauses', () => {
  const store = new Puppet()
  store.view.open()
  store.now += WAIT_MS
  store.view.tick()
  assert.deepEqual(store.take(), ['lost'])
  store.now += WAIT_MS / 8
  store.view.tick()
  assert.equal(store.opens.length, 2)
  store.opens[0]!.resolve({ era: 9 })
  assert.deepEqual(store.take(), [], 'what was given up is not heard any more')
  store.opens[1]!.resolve({ era: 1 })
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['new', 'synced'])
  store.view.cas('a', bytes('x'), 0, (outcome) => store.told.push(outcome))
  store.now += WAIT_MS
  store.view.tick()
  assert.deepEqual(store.take(), ['unknown', 'lost'])
})

test('StoreView tells a conflict, a full store and a lost one apart', () => {
  const store = new Puppet().opened()
  store.ready.resolve(undefined)
  store.take()
  const errors = [
    new SkynetError('ERR_STORE_CONFLICT', { key: 'a' }),
    new SkynetError('ERR_STORE_FULL', { key: 'a', what: 'entries' }),
    new SkynetError('ERR_STORE_LOST', { reason: 'a test says so' }),
  ]
  for (const error of errors) {
    store.view.cas('a', bytes('x'), 0, (outcome) => store.told.push(outcome))
    store.writes.at(-1)!.reject(error)
  }
  assert.deepEqual(store.take(), ['conflict', 'refused', 'unknown', 'lost'])
})
