/** A node of ours and one of Skynet itself, which call each other's services. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMainThread } from 'node:worker_threads'
import { isSkynetError, type MethodsOf, type ServiceRef, type Skynet } from 'skynet-ts'
import { float, LuaFloat } from 'skynet-ts/codec'
import { type SkynetCluster, skynetCluster } from 'skynet-ts/skynet-cluster'
import { unpackValues } from '../../src/codec/seri/reader.ts'
import { packValues } from '../../src/codec/seri/writer.ts'
import { parseAnswer } from '../../src/skynet-cluster/answer-frames.ts'
import { packRequest } from '../../src/skynet-cluster/request-frames.ts'
import type clusterDb from '../fixtures/cluster-db.ts'
import { FramedClient } from '../support/framed-client.ts'
import { isOriginalThere, ORIGINAL_LEFT_OUT, OriginalNode } from '../support/original.ts'
import { serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

type Db = ServiceRef<MethodsOf<typeof clusterDb>>

interface Meeting {
  readonly skynet: Skynet
  readonly peer: OriginalNode
  readonly cluster: SkynetCluster
  /** Names of the two nodes: as ours calls the other one, and as that one calls us. */
  readonly theirs: string
  readonly ours: string
  readonly db: Db
  /** Of `db`, without the @. */
  readonly name: string
  /** Have the other node do something: what its `driver` returns. */
  drive(what: string, ...args: unknown[]): Promise<unknown[]>
}

let count = 0

async function meet(skynet: Skynet, peer: OriginalNode): Promise<Meeting> {
  count++
  const theirs = `theirs${count}`
  const ours = `ours${count}`
  const name = `db${count}`
  const cluster = skynetCluster(skynet, { nodes: { [theirs]: peer.address } })
  const { host, port } = await cluster.open(0)
  const db: Db = await skynet.newService<typeof clusterDb>('../fixtures/cluster-db.ts')
  await cluster.register(name, db)
  const drive = (what: string, ...args: unknown[]) =>
    cluster.callAll(theirs, '@driver', what, ...args)
  await drive('reload', { [ours]: `${host}:${port}` })
  return { skynet, peer, cluster, theirs, ours, db, name, drive }
}

function check(title: string, body: (meeting: Meeting) => Promise<void>): void {
  if (!isOriginalThere()) return
  serviceTest(import.meta.url, title, async (skynet) => {
    await using peer = await OriginalNode.start()
    await body(await meet(skynet, peer))
  })
}

if (!isOriginalThere() && isMainThread) {
  test('nodes of Skynet itself', (t) => t.diagnostic(ORIGINAL_LEFT_OUT))
}

const remote = (error: unknown) => isSkynetError(error, 'ERR_SKYNETCLUSTER_REMOTE')
const LARGE = 'q'.repeat(100_000)

check('ours calls theirs: by number, by @name, by .name, by :address', async (m) => {
  const { cluster, theirs } = m
  const handle = await cluster.query(theirs, 'db')
  const text = `:${handle.toString(16).padStart(8, '0')}`
  for (const address of [handle, '@db', '.peerdb', text]) {
    assert.equal(await cluster.call(theirs, address, 'echo', 'hello'), 'hello')
  }
  assert.deepEqual(await cluster.callAll(theirs, '@db', 'several'), [true, 'saved', 1])
  assert.deepEqual(await cluster.callAll(theirs, '@db', 'nothing'), [])
  await assert.rejects(cluster.query(theirs, 'nosuch'), remote)
  await assert.rejects(cluster.call(theirs, '@nosuch', 'x'), remote)
  await assert.rejects(cluster.call(theirs, '@db', 'fail', 'boom'), remote)
  await assert.rejects(cluster.call(theirs, '@db', 'quit'), remote)
  await assert.rejects(cluster.call(theirs, '@db', 'echo'), remote)
})

check('ours calls theirs: integers, floats, strings and tables are what they were', async (m) => {
  const { cluster, theirs } = m
  const kind = (value: unknown) => cluster.callAll(theirs, '@db', 'kind', value)
  assert.deepEqual(await kind(1), ['integer', '1'])
  assert.deepEqual(await kind(float(1)), ['float', '1.0'])
  assert.deepEqual(await kind(1.5), ['float', '1.5'])
  assert.deepEqual(await kind(-(2 ** 40)), ['integer', '-1099511627776'])
  assert.deepEqual(await kind(2n ** 62n), ['integer', `${2n ** 62n}`])
  assert.deepEqual(await kind('naïve'), ['string', 'naïve'])
  assert.deepEqual(await kind(null), ['nil', 'nil'])
  const keys = (value: unknown) => cluster.callAll(theirs, '@db', 'keys', value)
  assert.deepEqual(await keys([1, 2, 3]), [3, 3])
  assert.deepEqual(await keys({ a: 1, b: 2 }), [0, 2])
  assert.deepEqual(
    await keys(
      new Map<unknown, unknown>([
        [1, 'a'],
        [2, 'b'],
        ['x', 1],
      ]),
    ),
    [2, 3],
  )
  const table = await cluster.call(theirs, '@db', 'table')
  assert.deepEqual(
    table,
    new Map<unknown, unknown>([
      [1, 1],
      [2, 2],
      ['x', 'y'],
      [10, { a: 1.5 }],
    ]),
  )
  const exact = skynetCluster(m.skynet, { keepFloats: true })
  assert.deepEqual(await exact.callAll(theirs, '@db', 'several'), [true, 'saved', new LuaFloat(1)])
  const bytes = Buffer.from([0, 255, 254])
  assert.deepEqual(await cluster.call(theirs, '@db', 'echo', bytes), bytes)
})

check('ours calls theirs: messages of 100 KB and 3 MB both ways, pushes as well', async (m) => {
  const { cluster, theirs } = m
  for (const size of [32_759, 32_760, 65_536, 100_000, 3_000_000]) {
    const text = 'q'.repeat(size)
    assert.equal(await cluster.call(theirs, '@db', 'size', text), size)
    assert.equal((await cluster.call<string>(theirs, '@db', 'big', size)).length, size)
    cluster.send(theirs, '@db', 'push', text)
    await until('the push', async () => {
      const [pushed] = (await cluster.call(theirs, '@db', 'pushed')) as unknown as [string][]
      return pushed !== undefined && pushed[0] === text
    })
  }
  const many = Array.from({ length: 200 }, (_, i) =>
    i % 10 === 0
      ? cluster.call(theirs, '@db', 'size', LARGE)
      : cluster.call(theirs, '@db', 'echo', i),
  )
  const ends = await Promise.all(many)
  assert.ok(ends.every((end, i) => end === (i % 10 === 0 ? LARGE.length : i)))
})

check('theirs calls ours: by number, by @name, by .name, by :address', async (m) => {
  const { skynet, ours, db, name, drive } = m
  skynet.name(`.${name}`, db)
  assert.deepEqual(await drive('query', ours, name), [true, db.handle])
  for (const address of [db.handle, `@${name}`, `.${name}`, db.address]) {
    assert.deepEqual(await drive('call', ours, address, 'echo', 'a', 1.5), [true, 'a', 1.5])
  }
  assert.deepEqual(await drive('call', ours, `@${name}`, 'several'), [true, true, 'saved', 1])
  assert.deepEqual(await drive('call', ours, `@${name}`, 'nothing'), [true])
  const failed = async (...args: unknown[]) => {
    const [ok, text] = await drive('call', ours, ...args)
    assert.equal(ok, false)
    assert.match(String(text), /call failed/)
  }
  await failed('@nosuch', 'echo')
  await failed('nosuch', 'echo')
  await failed('.nosuch', 'echo')
  await failed(`@${name}`, 'fail', 'boom')
  await failed(`@${name}`, 'nosuch')
  await failed(`@${name}`, 5)
  assert.deepEqual((await drive('query', ours, 'nosuch'))[0], false)
  assert.match(m.peer.log, /call failed: boom/)
})

check('theirs calls ours: large messages, pushes, a hundred at once', async (m) => {
  const { ours, db, name, drive } = m
  for (const size of [32_759, 32_760, 100_000, 1_000_000]) {
    const text = 'q'.repeat(size)
    assert.deepEqual(await drive('call', ours, `@${name}`, 'size', text), [true, size])
    const [ok, answer] = await drive('call', ours, `@${name}`, 'big', size)
    assert.deepEqual([ok, (answer as string).length], [true, size])
    await drive('send', ours, `@${name}`, 'push', text)
    await until('the push', async () => (await db.call.pushed())[0]?.[0] === text)
  }
  assert.deepEqual(await drive('many', 100, ours, `@${name}`, 'sleep', 20), [100])
  assert.deepEqual(await drive('many', 100, ours, `@${name}`, 'size', LARGE), [100])
})

check('a trace goes on in the other node, both ways', async (m) => {
  const { skynet, cluster, theirs, ours, db, name, drive } = m
  const [ok, id] = await drive('traced', ours, `@${name}`, 'traced')
  assert.equal(ok, true)
  assert.match(String(id), new RegExp(`^\\(.+-${ours}-\\d+\\):[0-9a-f]{8}-\\d+$`))
  assert.equal(skynet.isAlive(db), true)
  await db.call.tracedCall(theirs, '@db')
  await until('theirs has logged the trace', () =>
    new RegExp(`<TRACE \\(.+-${theirs}-\\d+\\):[0-9a-f]{8}-\\d+>`).test(m.peer.log),
  )
  assert.equal(await cluster.call(theirs, '@db', 'echo', 'after'), 'after')
})

check('proxies, both ways', async (m) => {
  const { cluster, theirs, ours, name, drive } = m
  const proxy = await cluster.proxy<typeof clusterDb>(theirs, '@db')
  assert.equal(await proxy.call.size(LARGE), LARGE.length)
  proxy.send.push('by proxy')
  assert.deepEqual(await proxy.call.pushed(), [['by proxy']])
  assert.equal((await cluster.proxy(`${theirs}@db`)).handle, proxy.handle)
  await assert.rejects(proxy.call.fail('boom'), remote)
  assert.deepEqual(await drive('proxy', ours, `@${name}`, 'first', 'p'), [true, 'p'])
  assert.deepEqual(await drive('proxy1', `${ours}@${name}`, 'size', LARGE), [true, LARGE.length])
})

check('snax services, both ways', async (m) => {
  const { cluster, theirs, ours, db, drive } = m
  const methods = ['response.ping', 'accept.hello', 'response.heard'] as const
  const [handle] = await drive('snaxservice', 'peersnax')
  const snax = await cluster.snax(theirs, 'peersnax', methods)
  assert.equal(snax.address, handle)
  assert.equal(await snax.req.ping('hi'), 'hi')
  snax.post.hello('ours')
  assert.deepEqual(await snax.req.heard(), ['ours'])
  await cluster.registerSnax('peersnax', methods, db)
  assert.deepEqual(await drive('snax', ours, 'peersnax', 'ping', 'from Lua'), [true, 'from Lua'])
  await drive('post', ours, 'peersnax', 'hello', 'theirs')
  await until('the post', async () => (await db.call.pushed()).length > 0)
})

check('sessions begin again at 1 behind 2^31 - 1, both ways', async (m) => {
  const { ours, name, drive, peer } = m
  await drive('call', ours, `@${name}`, 'nothing')
  assert.deepEqual(await drive('session', ours, 0x7ffffffe), [true, '2147483646'])
  for (const text of ['a', LARGE, 'b', LARGE]) {
    assert.deepEqual(await drive('call', ours, `@${name}`, 'size', text), [true, text.length])
  }
  await drive('send', ours, `@${name}`, 'push', LARGE)
  await until('the push', async () => (await m.db.call.pushed()).length > 0)
  assert.deepEqual(await drive('session', ours), [true, '4'])
  const client = await FramedClient.connect(peer.port)
  for (const session of [0x7ffffffe, 0x7fffffff, 1]) {
    const request = packRequest('@db', session, packValues(['echo', session]), undefined)
    await client.write([request])
    const answer = parseAnswer(await client.message())
    assert.ok(answer.kind === 'ok')
    assert.deepEqual([answer.session, unpackValues(answer.message)], [session, [session]])
    client.received = Buffer.alloc(0)
  }
  client.close()
})

check('a hundred thousand bytes and small ones at the same time, in both directions', async (m) => {
  const { cluster, theirs, ours, name, drive } = m
  const out = Array.from({ length: 50 }, () => cluster.call(theirs, '@db', 'size', LARGE))
  const small = Array.from({ length: 500 }, (_, i) => cluster.call(theirs, '@db', 'echo', i))
  const back = [
    drive('many', 50, ours, `@${name}`, 'size', LARGE),
    drive('many', 50, ours, `@${name}`, 'big', LARGE.length),
    drive('many', 200, ours, `@${name}`, 'first', 'small'),
  ]
  assert.ok((await Promise.all(out)).every((size) => size === LARGE.length))
  assert.ok((await Promise.all(small)).every((answer, i) => answer === i))
  assert.deepEqual(await Promise.all(back), [[50], [50], [200]])
})

check('a node that is down, and up again; one that dies and comes back', async (m) => {
  const { cluster, theirs, ours, name, drive, peer } = m
  await cluster.reload({ [theirs]: false })
  await assert.rejects(cluster.call(theirs, '@db', 'echo'), (error) =>
    isSkynetError(error, 'ERR_SKYNETCLUSTER_DOWN'),
  )
  await cluster.reload({ [theirs]: peer.address })
  assert.equal(await cluster.call(theirs, '@db', 'echo', 'back'), 'back')
  assert.deepEqual(await drive('call', ours, `@${name}`, 'first', 1), [true, 1])
  const hanging = cluster.call(theirs, '@db', 'hang')
  const lost = assert.rejects(hanging, (error) => {
    assert.ok(isSkynetError(error, 'ERR_SKYNETCLUSTER_LOST'))
    assert.equal(error.info.sent, 'maybe')
    return true
  })
  await cluster.call(theirs, '@db', 'echo')
  await peer.kill()
  await lost
  await assert.rejects(cluster.call(theirs, '@db', 'echo'), (error) => {
    assert.ok(isSkynetError(error, 'ERR_SKYNETCLUSTER_LOST'))
    assert.equal(error.info.sent, 'no')
    return true
  })
  await using again = await OriginalNode.start(peer.port)
  assert.equal(await cluster.call(theirs, '@db', 'echo', again.port), peer.port)
  await assert.rejects(cluster.with({ timeoutMs: 50 }).call(theirs, '@db', 'hang'), (error) =>
    isSkynetError(error, 'ERR_SKYNETCLUSTER_TIMEOUT'),
  )
})
