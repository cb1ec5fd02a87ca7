import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import { STORE_DELETED_TOLD_MS } from '../../base/limits.ts'
import { Later } from '../../testing/cluster-sim/later.ts'
import type { BegunEra, OpenedStore, StoreEntry } from './store.ts'
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
  /** Of writes, the key and the revision that it had. */
  readonly asked: [key: string, revision: number][] = []
  /** It may lose a part of its memory: eras that it was to begin. */
  renewed: [era: number, isSure: boolean][] = []
  each: (entry: StoreEntry) => void = () => undefined
  lost: (reason: unknown) => void = () => undefined
  ready = new Later<void>()
  readonly view = new StoreView(
    this,
    {
      now: () => this.now,
      random: () => 0,
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

  cas(key: string, _value: unknown, revision: number): Later<number> {
    this.asked.push([key, revision])
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

  renew(era: number, isSure: boolean): Later<void> {
    this.renewed.push([era, isSure])
    return new Later()
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

  again(era = 1, revision?: number, afterMs = WAIT_MS): void {
    this.lost('a test says so')
    this.openAgain(era, revision, afterMs)
  }

  openAgain(era = 1, revision?: number, afterMs = WAIT_MS, begun?: BegunEra): void {
    this.now += afterMs
    this.view.tick()
    const of = revision === undefined ? {} : { revision }
    this.opens.at(-1)!.resolve({ era, ...of, ...(begun === undefined ? {} : { begun }) })
  }

  /** All that there is, and that it is all. */
  list(...entries: Parameters<Puppet['tell']>): void {
    this.tell(...entries)
    this.ready.resolve(undefined)
  }
}

/** Open, with what another has written and with a write of ours; it may lose part of that. */
function forgetful(): Puppet {
  const store = new Puppet().opened()
  store.list(['a', 1])
  store.view.cas('b', bytes('b'), 0, () => undefined)
  store.writes[0]!.resolve(2)
  store.tell(['b', 2], ['c', 3])
  store.take()
  return store
}

/** It goes on to say that for so many times of what an opening may take. */
function insist(store: Puppet, waits: number, say: () => void): void {
  for (let times = 0; times < waits * 4; times++) say()
  store.take()
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
  store.again(1, undefined, STORE_DELETED_TOLD_MS)
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
  store.again(1, 5, STORE_DELETED_TOLD_MS)
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
  store.again(1, 10, STORE_DELETED_TOLD_MS)
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
  for (let times = 1; times <= 23; times++) store.openAgain(1, 8, WAIT_MS / 4)
  assert.deepEqual(store.renewed, [])
  store.openAgain(1, 8, WAIT_MS / 4)
  assert.deepEqual([store.renewed, store.take()], [[[1002, false]], Array(26).fill('lost')])
  store.openAgain(1002, 9, WAIT_MS, { revision: 0, isSure: false })
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
  // Nor does what has gone say that the rest was ever there.
  store.again()
  store.tell(['b', 7], ['c', 10])
  store.ready.resolve(undefined)
  assert.deepEqual(store.take(), ['lost', 'same', 'c 10', 'lost'])
  for (let times = 1; times <= 24; times++) {
    assert.deepEqual(store.renewed, [])
    store.openAgain()
    store.list(['b', 7], ['c', 10])
    assert.deepEqual(store.take(), ['same', 'lost'])
  }
  assert.deepEqual(store.renewed, [[1002, false]])
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

// Proves: docs/cluster-nats.md#lost
test('StoreView begins another era when what it has written is no more', () => {
  const store = forgetful()
  store.again(1, 1)
  insist(store, 3.75, () => store.openAgain(1, 1))
  assert.deepEqual(store.renewed, [])
  store.openAgain(1, 1)
  assert.deepEqual([store.renewed, store.take()], [[[1002, true]], ['lost']])
  store.openAgain(1002, 4, WAIT_MS, { revision: 4, isSure: true })
  store.list(['a', 1])
  assert.deepEqual(store.take(), ['new', 'synced'])
  assert.equal(store.view.era, 1002)
})

// Proves: docs/cluster-nats.md#lost
test('StoreView does so when a key has gone, and nothing says that it was deleted', () => {
  const store = forgetful()
  store.again(1, 3)
  store.list(['a', 4, 'gone'], ['b', 2], ['c', 3])
  assert.deepEqual(store.take(), ['lost', 'same', 'a 4 gone', 'synced'])
  store.again(1, 4)
  const say = (): void => {
    store.list(['a', 4, 'gone'], ['b', 2])
    store.openAgain(1, 4)
  }
  insist(store, 1, say)
  assert.deepEqual(store.renewed, [])
  store.list(['a', 4, 'gone'], ['b', 2])
  assert.deepEqual([store.renewed, store.take()], [[[1002, true]], ['lost']])
})

test('StoreView takes for deleted what has gone when it was away for long', () => {
  const store = forgetful()
  store.lost('a test says so')
  store.now += STORE_DELETED_TOLD_MS
  store.openAgain(1, 3)
  store.list(['b', 2], ['c', 3])
  assert.deepEqual(store.take(), ['lost', 'same', 'a 3 gone', 'synced'])
})

// Proves: docs/cluster-nats.md#never
test('StoreView forgets what only others have told, unless somebody else is sure', () => {
  for (const isSure of [false, true]) {
    const store = forgetful()
    store.again(1, 2)
    insist(store, 3, () => store.openAgain(1, 2))
    store.openAgain(1002, 3, WAIT_MS, { revision: 3, isSure })
    assert.deepEqual([store.renewed, store.take()], [[], [isSure ? 'new' : 'mistaken']])
  }
  const well = forgetful()
  well.again(1002, 4)
  assert.deepEqual(well.take(), ['lost', 'new'], 'it has had no doubt')
})

test('StoreView takes no older era for a new one of a store that may lose a part', () => {
  const store = forgetful()
  store.again(1001, 4)
  store.list()
  store.take()
  store.again(1, 5)
  insist(store, 4, () => store.openAgain(1, 5))
  assert.deepEqual(store.renewed, [[2001, true]])
})

test('StoreView sees in an entry of the same revision that it is another one', () => {
  const store = forgetful()
  store.again(1, 3)
  store.each({ key: 'b', revision: 2, value: bytes('x') })
  store.list(['a', 1], ['c', 3])
  assert.deepEqual(store.take(), ['lost', 'same', 'lost'])
})

test('StoreView does not count on a write whose revision it had before', () => {
  const store = forgetful()
  store.view.cas('d', bytes('d'), 0, (outcome) => store.told.push(outcome))
  store.writes[1]!.resolve(3)
  assert.deepEqual(store.take(), ['unknown', 'lost'])
  assert.equal(store.view.get('d'), undefined)
})

test('StoreView does not write over what is of an era before, and is lost as well', () => {
  const store = forgetful()
  const begun = { revision: 4, isSure: true }
  store.lost('a test says so')
  store.openAgain(1001, 4, WAIT_MS, begun)
  store.list(['a', 1], ['c', 3])
  store.lost('a test says so')
  store.openAgain(1001, 4, WAIT_MS, begun)
  store.list(['c', 3])
  for (const key of ['a', 'c']) store.view.cas(key, bytes(key), 0, () => undefined)
  assert.deepEqual(store.asked.slice(-2), [
    ['a', 0],
    ['c', 3],
  ])
})

test('StoreView writes over what is of an era before, and does not hear of its end', () => {
  const store = forgetful()
  store.lost('a test says so')
  store.openAgain(1001, 4, WAIT_MS, { revision: 4, isSure: true })
  store.list(['a', 1], ['c', 3])
  assert.deepEqual(store.take(), ['lost', 'new', 'synced'])
  assert.equal(store.view.get('a'), undefined)
  store.view.cas('c', bytes('c'), 0, () => undefined)
  assert.deepEqual(store.asked.at(-1), ['c', 3])
  store.writes[1]!.resolve(5)
  store.tell(['c', 5], ['a', 6, 'gone'])
  assert.deepEqual(store.take(), ['c 5'])
})
