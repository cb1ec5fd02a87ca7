import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HandCluster, type HandNode, LEASE_MS } from './cluster-node.kit.ts'
import { decodeBeat, decodeNode, encodeBeat, encodeNode } from './records.ts'

const ignore = (): void => undefined

function three(): { cluster: HandCluster; a: HandNode; b: HandNode; c: HandNode } {
  const cluster = new HandCluster()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => cluster.add(name)) as [
    HandNode,
    HandNode,
    HandNode,
  ]
  cluster.pass(LEASE_MS)
  for (const node of [a, b, c]) node.take()
  return { cluster, a, b, c }
}

describe('Members: silence', () => {
  test('a silent node is suspect at half a lease, and dead at a lease', () => {
    const { cluster, a, c } = three()
    cluster.kill(c)
    cluster.pass(LEASE_MS / 2 + 100)
    assert.deepEqual(a.take(), ['c suspect'])
    cluster.pass(LEASE_MS / 2 - 700)
    assert.deepEqual(a.take(), [])
    cluster.pass(700)
    assert.deepEqual(a.take(), ['c down'])
    assert.equal(a.node.peer('c'), undefined)
  })

  test('a suspect that is heard again is up again', () => {
    const { cluster, a, c } = three()
    c.isCut = true
    cluster.pass(2000)
    c.isCut = false
    cluster.pass(600)
    assert.deepEqual(a.take(), ['c suspect', 'c up'])
  })

  test('who does not hear its own beats judges nobody, also when it hears them again', () => {
    const { cluster, a, b } = three()
    a.isCut = true
    cluster.pass(LEASE_MS - 400)
    a.isCut = false
    cluster.pass(2 * LEASE_MS)
    assert.deepEqual(a.take(), ['b suspect', 'c suspect', 'b up', 'c up'])
    assert.deepEqual(b.take(), ['a suspect', 'a up'])
  })

  test('who was stopped for less than makes a suspect suspects nobody', () => {
    const { cluster, a } = three()
    for (const pauseMs of [500, 900, 1400, 1500, 1600]) {
      // At any time after a beat.
      for (const laterMs of [100, 200, 300, 400, 500]) {
        cluster.pass(LEASE_MS + laterMs)
        a.isStopped = true
        cluster.pass(pauseMs)
        a.goOn()
        assert.deepEqual(a.take(), [], `${pauseMs} ms, ${laterMs} ms later`)
      }
    }
  })

  test('who was stopped judges nobody, and finds that others have judged', () => {
    const { cluster, a, b } = three()
    a.isStopped = true
    cluster.pass(2000)
    a.goOn()
    cluster.pass(2 * LEASE_MS)
    assert.deepEqual(a.take(), [])
    assert.deepEqual(b.take(), ['a suspect', 'a up'])

    const { epoch } = a.node
    a.isStopped = true
    cluster.pass(2 * LEASE_MS)
    // Its watch has told it meanwhile: in this store at once.
    assert.ok(a.take().includes('overtaken tombstone'))
    a.goOn()
    cluster.pass(1000)
    assert.ok(a.node.epoch > epoch, 'it is another peer now')
    assert.deepEqual(b.take().slice(0, 3), ['a suspect', 'a down', 'a up'])
  })

  test('who hears none of several is cut off itself, and judges nobody, for ten leases', () => {
    const { cluster, a, b, c } = three()
    // As the seed whose cable is pulled: it hears its own beats.
    b.isCut = true
    c.isCut = true
    cluster.pass(9 * LEASE_MS)
    assert.deepEqual(a.take(), ['b suspect', 'c suspect'])
    b.isCut = false
    cluster.pass(LEASE_MS / 2)
    c.isCut = false
    cluster.pass(2 * LEASE_MS)
    assert.deepEqual(a.take(), ['b up', 'c up'])

    cluster.kill(b)
    cluster.kill(c)
    cluster.pass(10 * LEASE_MS)
    assert.deepEqual(a.take(), ['b suspect', 'c suspect'])
    cluster.pass(2 * LEASE_MS)
    assert.deepEqual(a.take(), ['b down', 'c down'])
  })

  test('who is cut off, and is held now and then, suspects all, and judges nobody', () => {
    const { cluster, a, b, c } = three()
    b.isCut = true
    c.isCut = true
    for (let round = 0; round < 16; round++) {
      cluster.pass(800)
      a.isStopped = true
      cluster.pass(600)
      a.goOn()
    }
    assert.deepEqual(a.take(), ['b suspect', 'c suspect'])
  })

  test('of several one that dies is judged, also when it is the last but one', () => {
    const { cluster, a, b, c } = three()
    cluster.kill(c)
    cluster.pass(LEASE_MS + 100)
    assert.deepEqual(a.take(), ['c suspect', 'c down'])
    cluster.kill(b)
    cluster.pass(LEASE_MS + 100)
    assert.deepEqual(a.take(), ['b suspect', 'b down'])
  })

  test('a beat that may have been lost in a cut begins the count anew', () => {
    const { cluster, a, b, c } = three()
    cluster.kill(c)
    cluster.pass(2000)
    a.events!.reset('all')
    b.events!.reset('all')
    cluster.pass(LEASE_MS - 200)
    assert.deepEqual(a.take(), ['c suspect'])
    cluster.pass(1000)
    assert.deepEqual(a.take(), ['c down'])
  })

  test('who has a way again says at once that it lives, as the member that it is now', () => {
    const { cluster, a } = three()
    const beats: (readonly [string, number])[] = []
    const { beat } = a.transport
    a.transport.beat = (bytes) => {
      const { node, epoch, sentAt } = decodeBeat(bytes)!
      beats.push([node, epoch])
      assert.equal(sentAt, cluster.now)
      beat.call(a.transport, bytes)
    }
    a.events!.restored()
    assert.deepEqual(beats, [['a', a.node.epoch]])
    // The next one is due as long after it as after any other.
    cluster.pass(400)
    assert.equal(beats.length, 1)
    cluster.pass(200)
    assert.equal(beats.length, 2)
  })

  test('own beats that come back late do not make up for what was lost before', () => {
    const cluster = new HandCluster()
    const [a, b] = [cluster.add('a'), cluster.add('b')]
    cluster.pass(LEASE_MS)
    a.take()
    const late: Uint8Array[] = []
    const { beat } = a.transport
    a.transport.beat = (bytes) => void late.push(bytes)
    b.isCut = true
    cluster.pass(3 * LEASE_MS)
    b.isCut = false
    a.events!.reset('all')
    a.transport.beat = beat
    // Some of them are lost: a row begins that is older than the cut.
    for (const bytes of late.slice(3)) a.events!.beat(bytes)
    cluster.pass(100)
    assert.deepEqual(a.take(), ['b suspect'])
  })

  test('a beat in the name of another than who has sent it keeps nobody alive', () => {
    const { cluster, a, b, c } = three()
    cluster.kill(b)
    const forged = (sender: string): void => {
      for (let ms = 0; ms < 2 * LEASE_MS; ms += 100) {
        cluster.pass(100)
        const beat = { node: 'b', epoch: b.node.epoch, sentAt: cluster.now }
        for (const each of [a, c]) each.events!.beat(encodeBeat(beat), sender)
      }
    }
    forged('b')
    assert.deepEqual(a.take(), [])
    forged('c')
    assert.deepEqual(a.take(), ['b suspect', 'b down'])
  })
})

describe('Members: refusals', () => {
  test('two refusals make a suspect; a frame cures it, and beats only after a lease', () => {
    const { cluster, a, b } = three()
    const peer = { node: 'b', epoch: b.node.epoch }
    a.events!.refused(peer)
    assert.deepEqual(a.take(), [])
    a.events!.refused(peer)
    assert.deepEqual(a.take(), ['b suspect'])
    cluster.pass(1000)
    assert.deepEqual(a.take(), [])
    a.events!.frame(peer, new Uint8Array(1), 0, 1)
    assert.deepEqual(a.take(), ['b up'])

    a.events!.refused(peer)
    a.events!.refused(peer)
    cluster.pass(LEASE_MS + 600)
    assert.deepEqual(a.take(), ['b suspect', 'b up'])
  })

  test('what another epoch does is nothing to this one', () => {
    const { a, b } = three()
    const before = { node: 'b', epoch: b.node.epoch - 1 }
    a.events!.refused(before)
    a.events!.refused(before)
    assert.deepEqual(a.take(), [])
  })
})

describe('Members: the store', () => {
  test('a store that is out kills nobody, and who waits for it joins when it is back', () => {
    const { cluster, a, b } = three()
    cluster.store.isMute = true
    cluster.store.cut()
    const d = cluster.add('d')
    cluster.pass(3 * LEASE_MS)
    assert.deepEqual(a.take(), [])
    assert.equal(d.node.epoch, 0)
    cluster.store.isMute = false
    cluster.pass(LEASE_MS)
    assert.deepEqual(a.take(), ['d up'])
    assert.deepEqual(b.take(), ['d up'])
    assert.ok(d.node.epoch > 0)
  })

  test('a store that has lost its memory changes nobody, and later epochs are higher', () => {
    const { cluster, a, b, c } = three()
    const epochs = [a, b, c].map(({ node }) => node.epoch)
    cluster.store.forget()
    cluster.pass(2 * LEASE_MS)
    for (const node of [a, b, c]) assert.deepEqual(node.take(), [])
    assert.deepEqual(
      [a, b, c].map(({ node }) => node.epoch),
      epochs,
    )
    cluster.kill(c)
    const again = cluster.add('c')
    cluster.pass(LEASE_MS + 600)
    assert.ok(again.node.epoch > Math.max(...epochs))
    assert.deepEqual(a.take(), ['c suspect', 'c down', 'c up'])
  })

  test('who is dead stays so when the store has forgotten it', () => {
    const { cluster, a, c } = three()
    const { epoch } = c.node
    c.isStopped = true
    c.isCut = true
    // It does not hear of its end, either.
    c.node.close()
    cluster.pass(2 * LEASE_MS)
    assert.deepEqual(a.take(), ['c suspect', 'c down'])
    cluster.store.forget()
    const value = '{"v":1,"addresses":[],"min":1,"max":1,"build":"","draining":false,"instance":9'
    const bytes = new TextEncoder().encode(`${value},"epoch":${epoch}}`)
    cluster.store.table.cas('node.c', bytes, 0)
    cluster.pass(1000)
    assert.deepEqual(a.take(), [])
    const text = new TextDecoder().decode(cluster.store.table.get('node.c')!.value)
    assert.equal(JSON.parse(text).deadBy, 'a')
  })

  test('a tombstone is deleted once everybody has read it, and the dead stays dead', () => {
    const { cluster, a, c } = three()
    cluster.kill(c)
    cluster.pass(2 * LEASE_MS)
    assert.ok(cluster.store.table.get('node.c') !== undefined)
    cluster.pass(5 * LEASE_MS)
    assert.equal(cluster.store.table.get('node.c'), undefined)
    assert.deepEqual(a.take(), ['c suspect', 'c down'])
    const again = cluster.add('c')
    assert.deepEqual(a.take(), ['c up'])
    assert.ok(again.node.epoch > 0)
  })

  test('who is started again under its name is another peer after a silent lease', () => {
    const { cluster, a, c } = three()
    const { epoch } = c.node
    cluster.kill(c)
    const again = cluster.add('c')
    cluster.pass(LEASE_MS - 200)
    assert.deepEqual([again.node.epoch, a.take()], [0, ['c suspect']])
    cluster.pass(1000)
    assert.deepEqual(a.take(), ['c down', 'c up'])
    assert.ok(again.node.epoch > epoch)
  })

  test('who is alone takes its name again after a silent lease', () => {
    const cluster = new HandCluster()
    const a = cluster.add('a')
    cluster.pass(LEASE_MS)
    cluster.kill(a)
    const again = cluster.add('a')
    cluster.pass(LEASE_MS - 100)
    assert.equal(again.node.epoch, 0)
    cluster.pass(800)
    assert.ok(again.node.epoch > a.node.epoch)
  })

  // Proves: docs/cluster.md#name
  test('a second process of a name that lives is refused, the first hears nothing', () => {
    const { cluster, a, c } = three()
    const { epoch } = c.node
    const other = cluster.add('c')
    cluster.pass(LEASE_MS / 2)
    assert.deepEqual(other.take(), ['a up', 'b up', 'failed ERR_NODE_NAME_TAKEN'])
    cluster.pass(2 * LEASE_MS)
    assert.deepEqual([other.node.epoch, other.take()], [0, []])
    assert.deepEqual([c.node.epoch, c.take(), a.take()], [epoch, [], []])
  })

  test('a newcomer that hears nothing, not even itself, takes no name', () => {
    const { cluster, c } = three()
    const other = cluster.add('c')
    other.isCut = true
    cluster.pass(5 * LEASE_MS)
    assert.deepEqual([other.node.epoch, c.take()], [0, []])
    other.isCut = false
    cluster.pass(LEASE_MS)
    assert.ok(other.take().includes('failed ERR_NODE_NAME_TAKEN'))
  })

  test('a beat that was under way when its sender died makes nobody live', () => {
    const { cluster, c } = three()
    const { beat } = c.transport
    let last: Uint8Array | undefined
    c.transport.beat = (bytes) => {
      last = bytes
      beat.call(c.transport, bytes)
    }
    cluster.pass(1000)
    cluster.kill(c)
    const again = cluster.add('c')
    again.events!.beat(last!)
    again.events!.beat(last!)
    cluster.pass(LEASE_MS + 800)
    assert.ok(again.node.epoch > 0)
  })

  /** A newcomer's write is under way that takes the name of who lives, and was not heard. */
  function takingOver() {
    const { cluster, b, c } = three()
    const other = cluster.add('c')
    const { events } = other
    let isDeaf = true
    const beat = (bytes: Uint8Array): void => {
      if (!isDeaf || decodeBeat(bytes)?.epoch !== c.node.epoch) events!.beat(bytes)
    }
    other.events = { ...events!, beat }
    cluster.pass(LEASE_MS - 100)
    cluster.store.late = []
    cluster.pass(LEASE_MS / 2)
    other.take()
    b.take()
    assert.equal(cluster.store.late.length, 1)
    isDeaf = false
    cluster.pass(LEASE_MS / 2)
    return { cluster, b, c, other }
  }

  // Proves: docs/cluster.md#name
  test('a write that takes over a name decides, also when its owner is heard meanwhile', () => {
    const { cluster, b, c, other } = takingOver()
    assert.deepEqual(other.take(), [])
    cluster.store.arrive()
    assert.deepEqual([other.take(), c.take()], [[], ['overtaken replaced']])
    assert.ok(other.node.epoch > c.node.epoch)
    cluster.store.late = undefined
    cluster.pass(2 * LEASE_MS)
    assert.deepEqual(b.take(), ['c down', 'c up'])
  })

  test('who comes too late with such a write gives up, and nobody notices', () => {
    const { cluster, b, c, other } = takingOver()
    const [write] = cluster.store.late!.splice(0)
    cluster.store.late = undefined
    c.node.drain(ignore)
    write!()
    cluster.pass(LEASE_MS)
    assert.deepEqual(other.take(), ['failed ERR_NODE_NAME_TAKEN'])
    assert.deepEqual([c.take(), b.take()], [[], ['c draining']])
  })

  test('such a write that nobody waits for any more leaves no record of who gave up', () => {
    const { cluster, b, c, other } = takingOver()
    const [write] = cluster.store.late!.splice(0)
    cluster.store.late = undefined
    // It is given up, the store is opened again, and knows nothing of it.
    cluster.pass(2 * LEASE_MS)
    assert.deepEqual(other.take(), ['failed ERR_NODE_NAME_TAKEN'])
    write!()
    assert.equal(cluster.store.table.get('node.c'), undefined)
    assert.deepEqual([c.take(), b.take()], [['overtaken replaced'], ['c down', 'c up', 'c down']])
  })

  // Proves: docs/cluster-nats.md#never
  test('who was told by its store what never was begins anew, and nobody else is dead', () => {
    const { cluster, a, b, c } = three()
    for (const node of [a, b]) node.node.names.claim('lobby', 1)
    cluster.pass(LEASE_MS)
    // The server that a hears has kept what the others have never agreed to.
    a.ahead = 10
    cluster.kill(c)
    cluster.pass(2 * LEASE_MS)
    const again = cluster.add('c')
    cluster.pass(LEASE_MS)
    assert.notEqual(a.node.peer('c')!.epoch, again.node.epoch, 'its epoch is a revision')
    for (const node of [a, b, again]) node.take()

    a.ahead = 0
    cluster.store.cut()
    cluster.pass(11 * LEASE_MS)
    assert.deepEqual(a.take().slice(0, 4), [
      ...['fenced lobby 0.4', 'overtaken mistaken'],
      ...['b down', 'c down'],
    ])
    assert.deepEqual(again.take().slice(0, 2), ['a suspect', 'a down'])
    assert.deepEqual(b.take().includes('c down'), false)
    for (const node of [a, b, again]) {
      for (const peer of [a, b, again]) {
        if (peer === node) continue
        assert.equal(node.node.peer(peer.node.node)?.epoch, peer.node.epoch)
        assert.equal(node.node.peer(peer.node.node)?.state, 'up')
      }
      assert.equal(node.node.names.owner('lobby')?.node, 'b')
    }
  })

  test('a lost write opens the store again, however well its watch is', () => {
    const { cluster, a } = three()
    cluster.store.losesWrites = true
    a.node.drain(ignore)
    cluster.pass(1000)
    cluster.store.losesWrites = false
    cluster.pass(1000)
    assert.deepEqual(cluster.nodes[1]!.take(), ['a draining'])
  })
})

/** It leaves: has it left? */
function leaving({ node }: HandNode): { is: boolean } {
  const left = { is: false }
  node.leave(() => {
    left.is = true
  })
  return left
}

/** A fourth node, which leaves while its first record is on its way. */
function leavingEarly() {
  const { cluster, a } = three()
  cluster.store.late = []
  const d = cluster.add('d')
  // The store opens, and the record is on its way.
  cluster.store.arrive()
  return { cluster, a, d, left: leaving(d) }
}

describe('Members: the end', () => {
  test('a node drains, leaves, and is down at once', () => {
    const { cluster, a, b } = three()
    a.node.drain(ignore)
    assert.deepEqual(b.take(), ['a draining'])
    const left = leaving(a)
    assert.ok(left.is)
    assert.deepEqual(b.take(), ['a down'])
    cluster.pass(LEASE_MS)
    assert.deepEqual(b.take(), [])
  })

  test('drain() tells once others can see it, also when a record is being written', () => {
    const { cluster, a, b } = three()
    // It was silent for a lease, and writes its record once more.
    a.isCut = true
    cluster.pass(LEASE_MS - 100)
    a.isCut = false
    cluster.store.late = []
    cluster.pass(LEASE_MS / 2)
    assert.equal(cluster.store.late.length, 1)
    b.take()
    const told: string[] = []
    for (const each of ['one', 'two']) a.node.drain(() => told.push(each, ...b.take()))
    cluster.store.arrive()
    assert.deepEqual([told, b.take()], [[], []])
    cluster.store.arrive()
    assert.deepEqual(told, ['one', 'a draining', 'two'])
    a.node.drain(() => told.push('three'))
    assert.equal(told.at(-1), 'three')
  })

  test('nobody waits to see it whom nobody can tell', () => {
    const { cluster, a, b, c } = three()
    const told: string[] = []
    cluster.store.isMute = true
    a.node.drain(() => told.push('unanswered'))
    cluster.pass(LEASE_MS / 2)
    assert.equal(told.length, 0)
    cluster.pass(LEASE_MS / 2)
    cluster.store.cut()
    b.node.drain(() => told.push('out of reach'))
    assert.deepEqual(told, ['unanswered', 'out of reach'])
    cluster.store.isMute = false
    cluster.pass(LEASE_MS)
    cluster.store.late = []
    c.node.drain(() => told.push('overtaken'))
    const { table } = cluster.store
    const entry = table.get('node.c')!
    const tombstone = { ...decodeNode(entry, table.era)!, instance: 0, deadBy: 'b' }
    table.cas('node.c', encodeNode(tombstone), entry.revision)
    assert.equal(told.at(-1), 'overtaken')
    const d = cluster.add('d')
    d.node.drain(() => told.push('no member'))
    assert.equal(told.at(-1), 'no member')
  })

  test('nor on one that is leaving already', () => {
    const { cluster, a } = three()
    cluster.store.late = []
    const left = leaving(a)
    let isTold = false
    a.node.drain(() => {
      isTold = true
    })
    cluster.store.arrive()
    assert.deepEqual([left.is, isTold], [true, true])
  })

  test('a node that leaves while its record is being written is down at once, too', () => {
    const { cluster, a, b } = three()
    cluster.store.late = []
    a.node.drain(ignore)
    const left = leaving(a)
    cluster.store.arrive()
    assert.deepEqual([left.is, b.take()], [false, ['a draining']])
    cluster.store.arrive()
    assert.deepEqual([left.is, b.take()], [true, ['a down']])
  })

  test('a node that leaves while its first record is being written is down at once, too', () => {
    const { cluster, a, d, left } = leavingEarly()
    assert.deepEqual([left.is, cluster.store.late!.length], [false, 1])
    cluster.store.arrive()
    assert.deepEqual([left.is, a.take()], [false, ['d up']])
    cluster.store.arrive()
    assert.deepEqual([left.is, a.take(), d.take()], [true, ['d down'], ['a up', 'b up', 'c up']])
    assert.equal(cluster.store.table.get('node.d'), undefined)
  })

  test('so is one that leaves while it writes itself into a store that has forgotten all', () => {
    const { cluster, a, b, c } = three()
    // Nothing of the others is in the way of what is looked at.
    cluster.kill(b)
    cluster.kill(c)
    cluster.store.late = []
    cluster.store.forget()
    cluster.pass(100)
    cluster.store.arrive()
    const left = leaving(a)
    assert.deepEqual([left.is, cluster.store.late.length], [false, 1])
    cluster.store.arrive()
    assert.ok(cluster.store.table.get('node.a') !== undefined)
    cluster.store.arrive()
    assert.deepEqual([left.is, cluster.store.table.get('node.a')], [true, undefined])
  })

  test('leave() does not wait for a first record whose write is never answered', () => {
    const { cluster, d, left } = leavingEarly()
    cluster.pass((LEASE_MS * 2) / 3 - 100)
    assert.equal(left.is, false)
    cluster.pass(100)
    assert.deepEqual([left.is, d.node.epoch], [true, 0])
  })

  test('nor for one that is lost, or that was of an epoch before', () => {
    const { cluster, left } = leavingEarly()
    cluster.store.losesWrites = true
    cluster.store.arrive()
    assert.equal(left.is, true)

    const [a] = cluster.nodes as [HandNode]
    cluster.store.losesWrites = false
    a.node.drain(ignore)
    const { table } = cluster.store
    const entry = table.get('node.a')!
    const tombstone = { ...decodeNode(entry, table.era)!, instance: 0, deadBy: 'b' }
    table.cas('node.a', encodeNode(tombstone), entry.revision)
    assert.deepEqual(a.take(), ['overtaken tombstone'])
    const leftToo = leaving(a)
    cluster.store.arrive()
    assert.equal(leftToo.is, true)
  })

  test('leave() does not wait for a store that is not there', () => {
    const { cluster, a } = three()
    cluster.store.isMute = true
    cluster.store.cut()
    const left = leaving(a)
    assert.ok(left.is)
  })
})
