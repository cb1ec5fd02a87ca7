/**
 * What happens to a cluster over NATS whose nodes call each other all the while, and one of which
 * owns a name that another one wants too. Each tells what it has measured.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { CuttingProxy } from './cutting-proxy.ts'
import { actingTimes, clock, LEASE_MS, type NatsNode, NatsNodes } from './nats-nodes.ts'
import { NatsServer, NatsServers } from './nats-server.ts'
import { until } from './until.ts'

const NAME = 'lobby'
const STREAM = 'KV_sk_game'
/** Calls have begun, and go on for so long after it. */
const UNDER_WAY_MS = 500
/** Longer than a lease: whoever would be declared dead by it has been. */
const LONG_MS = 5000

/** Figures for who reads the output: milliseconds. */
export type Measured = Readonly<Record<string, number>>

/** `a` owns the name; `b` wants it. */
async function owned(nodes: NatsNodes): Promise<readonly [NatsNode, NatsNode, NatsNode]> {
  const [a, b, c] = nodes.all as [NatsNode, NatsNode, NatsNode]
  a.order({ claim: NAME })
  await a.tells('acts', NAME)
  b.order({ claim: NAME })
  nodes.calls(true)
  await sleep(UNDER_WAY_MS)
  return [a, b, c]
}

/** Calls end, and the books of all that are left agree. */
async function settle(nodes: NatsNodes, survivors: readonly NatsNode[]): Promise<void> {
  await sleep(UNDER_WAY_MS)
  for (const node of survivors) node.order({ calls: false })
  const books = await until('all calls have ended', async () => {
    const read = await Promise.all(survivors.map((node) => node.book()))
    return read.every(({ open }) => open.length === 0) && read
  })
  const handled = new Set(books.flatMap((book) => book.handled))
  for (const { asked, answered, lost, twice, handledTwice } of books) {
    assert.deepEqual([...twice, ...handledTwice], [], 'each call once')
    assert.equal(answered.length + lost.length, asked, 'each call ends')
    assert.ok(answered.length > 0)
    const untrue = lost.filter(({ id, sent }) => sent === 'no' && handled.has(id))
    assert.deepEqual(untrue, [], 'what is said not to have run has not')
  }
  judgeActing(nodes.all)
}

/** No two at a time. */
function judgeActing(nodes: readonly NatsNode[]): void {
  const times = nodes.flatMap((node) => actingTimes(node).map((each) => ({ ...each, node })))
  for (const one of times) {
    for (const other of times) {
      const isBoth = one.node !== other.node && one.from < other.to && other.from < one.to
      assert.ok(!isBoth, `${one.node.name} and ${other.node.name} act for one name`)
    }
  }
}

/** Nobody was declared dead, and nobody else has the name. */
function nothingDecided(nodes: NatsNodes, owner: NatsNode, since: number): void {
  for (const node of nodes.all) {
    const downs = node.told('node', since).filter(({ text }) => text.endsWith(' down'))
    assert.deepEqual(downs, [], `${node.name}: no false death`)
    assert.deepEqual(node.told('overtaken', since), [])
    assert.deepEqual(node.told('fenced', since), [])
    if (node !== owner) assert.deepEqual(node.told('owned', since), [], 'no takeover')
  }
}

/** They get answers again. */
async function callsGoOn(nodes: readonly NatsNode[]): Promise<void> {
  for (const node of nodes) {
    const { answered } = await node.book()
    await until(`${node.name} gets answers`, async () => {
      return (await node.book()).answered.length > answered.length
    })
  }
}

/** Whoever reads that it has failed wants to know what they have told. */
async function told<T>(nodes: NatsNodes, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new Error(`${String(error)}\n${nodes.story}`, { cause: error })
  }
}

async function overOne(act: (nodes: NatsNodes, server: NatsServer) => Promise<Measured>) {
  await using server = await NatsServer.start()
  await using nodes = await NatsNodes.start({ servers: server.url })
  return await told(nodes, () => act(nodes, server))
}

const killNode = (): Promise<Measured> =>
  overOne(async (nodes) => {
    const [a, b, c] = await owned(nodes)
    const since = clock()
    await a.signal('SIGKILL')
    const downs = await Promise.all([b, c].map((node) => node.tells('node', 'a down', since)))
    const acts = await b.tells('acts', NAME, since)
    // It comes back as another: at once a member, and no owner.
    const again = nodes.add('a')
    await Promise.all([b, c].map((node) => node.tells('node', 'a up', since)))
    again.order({ claim: NAME })
    again.order({ calls: true })
    await callsGoOn([again, b, c])
    await settle(nodes, [b, c, again])
    assert.deepEqual(again.told('owned'), [])
    const downMs = Math.max(...downs.map(({ at }) => at)) - since
    return { downMs, takenOverMs: acts.at - since }
  })

const stopNode = (): Promise<Measured> =>
  overOne(async (nodes) => {
    const [a, b, c] = await owned(nodes)
    const since = clock()
    await a.signal('SIGSTOP')
    const downs = await Promise.all([b, c].map((node) => node.tells('node', 'a down', since)))
    const acts = await b.tells('acts', NAME, since)
    const woken = clock()
    await a.signal('SIGCONT')
    const heard = await a.tells('overtaken', 'tombstone', woken)
    await a.tells('fenced', NAME, woken)
    const joined = await a.tells('joined', /./, woken)
    await Promise.all([b, c].map((node) => node.tells('node', 'a up', since)))
    await callsGoOn(nodes.all)
    await settle(nodes, nodes.all)
    const downMs = Math.max(...downs.map(({ at }) => at)) - since
    const heardMs = heard.at - woken
    return { downMs, takenOverMs: acts.at - since, heardMs, joinedMs: joined.at - woken }
  })

/** @param outMs Until it starts again. */
const killServer = (outMs: number): Promise<Measured> =>
  overOne(async (nodes, server) => {
    const [a] = await owned(nodes)
    const since = clock()
    await server.signal('SIGKILL')
    await sleep(outMs)
    await server.start()
    const back = clock()
    await callsGoOn(nodes.all)
    const calledMs = clock() - back
    await until('the owner acts', () => actingTimes(a).at(-1)!.to === Number.POSITIVE_INFINITY)
    // Long enough for whoever would be wrong about it.
    await sleep(LEASE_MS + UNDER_WAY_MS)
    nothingDecided(nodes, a, since)
    await settle(nodes, nodes.all)
    return { calledMs }
  })

const holdServer = (): Promise<Measured> =>
  overOne(async (nodes, server) => {
    const [a] = await owned(nodes)
    const since = clock()
    await server.signal('SIGSTOP')
    await sleep(LONG_MS)
    await server.signal('SIGCONT')
    const back = clock()
    await callsGoOn(nodes.all)
    const calledMs = clock() - back
    await until('the owner acts', () => actingTimes(a).at(-1)!.to === Number.POSITIVE_INFINITY)
    await sleep(LEASE_MS)
    nothingDecided(nodes, a, since)
    await settle(nodes, nodes.all)
    return { calledMs }
  })

/** All nodes wait for it, and are a cluster as soon as it is there. */
const lateServer = async (): Promise<Measured> => {
  await using server = await NatsServer.prepare()
  const names = ['a', 'b', 'c']
  await using nodes = await NatsNodes.start({ servers: server.url }, [])
  return await told(nodes, async () => {
    for (const name of names) nodes.add(name)
    await sleep(UNDER_WAY_MS)
    const since = clock()
    await server.start()
    const there = clock()
    for (const node of nodes.all) {
      for (const name of names) if (name !== node.name) await node.tells('node', `${name} up`)
    }
    const joinedMs = clock() - there
    const [a] = await owned(nodes)
    await callsGoOn(nodes.all)
    nothingDecided(nodes, a, since)
    await settle(nodes, nodes.all)
    return { joinedMs }
  })
}

/** The owner is cut off from the server, and nobody sees an end; what has waited comes late. */
const cutOff = async (): Promise<Measured> => {
  await using server = await NatsServer.start()
  await using proxy = await CuttingProxy.to(server.port)
  await using nodes = await NatsNodes.start({ servers: server.url }, [])
  return await told(nodes, async () => {
    const a = nodes.add('a', `nats://127.0.0.1:${proxy.port}`)
    for (const name of ['b', 'c']) {
      await a.tells('joined', /./)
      nodes.add(name)
    }
    const others = nodes.all.slice(1)
    for (const node of others) await node.tells('node', 'a up')
    const [, b] = await owned(nodes)
    const since = clock()
    proxy.stall()
    await Promise.all(others.map((node) => node.tells('node', 'a down', since)))
    const acts = await b.tells('acts', NAME, since)
    await until('it rests by itself', () => a.told('rests', since).length > 0)
    const rested = a.told('rests', since)[0]!
    await sleep(LONG_MS - LEASE_MS)
    const healed = clock()
    proxy.release()
    await a.tells('overtaken', 'tombstone', healed)
    await Promise.all(others.map((node) => node.tells('node', 'a up', healed)))
    await callsGoOn(nodes.all)
    await settle(nodes, nodes.all)
    return { restedMs: rested.at - since, takenOverMs: acts.at - since }
  })
}

const killLeader = async (): Promise<Measured> => {
  await using servers = await NatsServers.start()
  await using nodes = await NatsNodes.start({ servers: servers.urls, replicas: 3, storage: 'file' })
  return await told(nodes, async () => {
    const [a] = await owned(nodes)
    const since = clock()
    const measured: Record<string, number> = {}
    for (const round of [1, 2]) {
      await servers.allHave(STREAM)
      const leader = await servers.leaderOf(STREAM)
      const killed = clock()
      await leader.signal('SIGKILL')
      await callsGoOn(nodes.all)
      measured[`called${round}Ms`] = clock() - killed
      // Another one leads; nobody is declared dead while none does.
      await sleep(2 * LEASE_MS)
      // With its files nats-server 2.9.10 would lack what it had: docs/cluster-nats.md says more.
      leader.forget()
      await leader.start()
    }
    await until('the owner acts', () => actingTimes(a).at(-1)!.to === Number.POSITIVE_INFINITY)
    nothingDecided(nodes, a, since)
    await settle(nodes, nodes.all)
    return measured
  })
}

/** It keeps the connection of the owner, says nothing, and takes nothing. The others go on. */
const holdOneServer = async (): Promise<Measured> => {
  await using servers = await NatsServers.start()
  await using nodes = await NatsNodes.start({ servers: servers.urls, replicas: 3, storage: 'file' })
  return await told(nodes, async () => {
    const [a] = await owned(nodes)
    const held = await servers.serverOf(a.name)
    const [next] = servers.servers.filter((server) => server !== held)
    if ((await servers.leaderOf(STREAM)) === held) await servers.letLead(STREAM, next!)
    const since = clock()
    await held.signal('SIGSTOP')
    await callsGoOn(nodes.all)
    const calledMs = clock() - since
    await sleep(LONG_MS)
    await held.signal('SIGCONT')
    await sleep(LEASE_MS)
    await until('the owner acts', () => actingTimes(a).at(-1)!.to === Number.POSITIVE_INFINITY)
    nothingDecided(nodes, a, since)
    await settle(nodes, nodes.all)
    return { calledMs }
  })
}

/**
 * The owner is alone with a server that the others do not hear, and that hears none of them.
 *
 * @param leads It leads the stream, so that what it holds is behind when it comes back.
 */
const cutServer = async (leads: boolean): Promise<Measured> => {
  await using servers = await NatsServers.start()
  const [alone, ...rest] = servers.urls
  const options = { replicas: 3, storage: 'file' } as const
  await using nodes = await NatsNodes.start({ servers: rest, ...options }, [])
  return await told(nodes, async () => {
    const a = nodes.add('a', alone!)
    await a.tells('joined', /./)
    for (const name of ['b', 'c']) nodes.add(name)
    const others = nodes.all.slice(1)
    for (const node of others) await node.tells('node', 'a up')
    const [, b] = await owned(nodes)
    if (leads) await servers.letLead(STREAM, servers.servers[0]!)
    const since = clock()
    servers.cutFirst()
    await Promise.all(others.map((node) => node.tells('node', 'a down', since)))
    const acts = await b.tells('acts', NAME, since)
    await until('it rests by itself', () => a.told('rests', since).length > 0)
    const rested = a.told('rests', since)[0]!
    const healed = clock()
    servers.mend()
    await a.tells('overtaken', /tombstone|mistaken/, healed)
    await Promise.all(others.map((node) => node.tells('node', 'a up', healed)))
    await callsGoOn(nodes.all)
    await settle(nodes, nodes.all)
    return { restedMs: rested.at - since, takenOverMs: acts.at - since }
  })
}

export const NATS_SCENARIOS: Readonly<Record<string, () => Promise<Measured>>> = {
  'a node is killed': killNode,
  'a node is held, and goes on': stopNode,
  'the server is killed, and starts again': () => killServer(0),
  'the server is killed, and stays away for long': () => killServer(LONG_MS),
  'the server is held for long': holdServer,
  'a node is cut off from the server, and nobody sees it': cutOff,
  'the server comes later than its nodes': lateServer,
  'of three servers the one that leads is killed, twice': killLeader,
  'of three servers one falls silent, with the owner': holdOneServer,
  'of three servers one is cut off, with the owner': () => cutServer(false),
  'of three servers the one that leads is cut off, with the owner': () => cutServer(true),
}
