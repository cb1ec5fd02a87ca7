import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CountedBlocks } from '../testing/sim/blocks.ts'
import { Snapshots } from './snapshots.ts'

class Versions extends CountedBlocks {
  override take(): Buffer {
    return assert.fail('versions stay')
  }
}

function setUp(slots = 4) {
  const blocks = new Versions()
  const memory = Snapshots.memory(slots)
  return { blocks, snapshots: new Snapshots(memory, blocks, 1) }
}

test('update gives the next version and frees the one before', () => {
  const { snapshots, blocks } = setUp()
  const made = snapshots.create('a', 7, Buffer.from('one'))
  assert.ok(typeof made === 'object' && made.version === 1)
  const place = snapshots.find('a')!
  const { slot } = place
  assert.deepEqual(place, { slot: made.slot, channel: 7 })
  assert.equal(snapshots.cells[snapshots.stampCell(slot)], made.stamp)
  const next = snapshots.update(place, Buffer.from('two'))!
  assert.equal(next.version, 2)
  assert.equal(snapshots.cells[snapshots.stampCell(slot)], next.stamp)
  assert.notEqual(next.stamp, made.stamp)
  assert.deepEqual(snapshots.read(place), { ...next, bytes: Buffer.from('two') })
  assert.equal(blocks.outstanding, 1)
})

test('a place of a life that is over says so, also when its slot is taken again', () => {
  const { snapshots, blocks } = setUp()
  snapshots.create('a', 7, Buffer.from('one'))
  const place = snapshots.find('a')!
  assert.equal(snapshots.remove(place), true)
  const stamp = snapshots.cells[snapshots.stampCell(place.slot)]
  for (const name of [undefined, 'a', 'b']) {
    if (name !== undefined) snapshots.create(name, 8, Buffer.from('other'))
    assert.equal(snapshots.read(place), undefined)
    assert.equal(snapshots.update(place, Buffer.from('late')), undefined)
    assert.equal(snapshots.remove(place), false)
    if (name !== undefined) assert.equal(snapshots.find(name)!.slot, place.slot)
    if (name === 'a') snapshots.remove(snapshots.find('a')!)
  }
  assert.notEqual(snapshots.cells[snapshots.stampCell(place.slot)], stamp)
  assert.equal(snapshots.find('a'), undefined)
  assert.equal(blocks.outstanding, 1)
})

test('create refuses a taken name and one more than there are slots, and keeps nothing', () => {
  const { snapshots, blocks } = setUp(2)
  for (const name of ['aa', 'ab']) snapshots.create(name, 1, Buffer.from(name))
  assert.equal(snapshots.create('ab', 2, Buffer.from('x')), 'taken')
  assert.equal(snapshots.create('ac', 2, Buffer.from('x')), 'full')
  assert.equal(snapshots.find('a'), undefined)
  snapshots.remove(snapshots.find('aa')!)
  assert.equal(typeof snapshots.create('ac', 3, Buffer.from('x')), 'object')
  assert.equal(blocks.outstanding, 2)
  snapshots.clear()
  assert.equal(blocks.outstanding, 0)
})

test('repair() gives back the locks of a dead thread, and a name without a version', () => {
  const { snapshots, blocks } = setUp()
  snapshots.create('whole', 1, Buffer.from('x'))
  // It died in the middle of a create: between the name and its first version.
  const begun = snapshots.create('begun', 2, Buffer.from('y')) as { slot: number }
  const at = 16 + begun.slot * 32
  const { cells } = snapshots
  const doubles = new Float64Array(cells.buffer)
  assert.equal(doubles[(at + 2) / 2], 2, 'the channel of that slot')
  doubles.fill(0, (at + 4) / 2, (at + 10) / 2)
  cells[0] = cells[at + 1] = cells[16 + 1] = 5
  new Snapshots(cells.buffer as SharedArrayBuffer, blocks, 9).repair(5)
  assert.equal(snapshots.find('begun'), undefined)
  assert.equal(snapshots.read(snapshots.find('whole')!)?.bytes.toString(), 'x')
  assert.equal(typeof snapshots.create('begun', 3, Buffer.from('z')), 'object')
})
