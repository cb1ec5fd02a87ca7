/** Nobody hangs: every wait of a service settles with its end, and so does one begun after it. */
import assert from 'node:assert/strict'
import type { Skynet } from 'skynet-ts'
import everyWait, { ENDLESS, OTHERS, type Others, settled } from '../fixtures/every-wait.ts'
import type opener from '../fixtures/opener.ts'
import { openings } from '../fixtures/opener.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, SharedNode, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const node = new SharedNode({ thread: 2, dedicated: 2 })
const check = (title: string, body: Body): void => serviceTest(import.meta.url, title, body, node)

async function others(skynet: Skynet): Promise<Others> {
  const { handle: peer } = await skynet.newService<typeof subject>('../fixtures/subject.ts')
  const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  skynet.shareData.update('every wait', 1)
  return { peer, port: listener.port, channel: skynet.multicast.new().id }
}

/** Those that close, and only wait for their peer, are not counted. */
const openSockets = (skynet: Skynet, isOf: (owner: number) => boolean): number =>
  skynet.socket
    .netstat()
    .filter(({ owner, state }) => isOf(owner) && !state.startsWith('HALFCLOSE')).length

const launch = (skynet: Skynet, name: string, given: Others, how: 'is told' | 'fails') =>
  skynet.newService<typeof everyWait>('../fixtures/every-wait.ts', {
    on: 'same',
    args: [name, given, how],
  })

/** How the service that began all waits comes to its end. */
const WAYS: Readonly<Record<string, (skynet: Skynet, given: Others) => Promise<unknown>>> = {
  'exited before': async (skynet, given) => {
    const service = await launch(skynet, 'exited before', given, 'is told')
    await service.call.beginAfterTheEnd().catch(() => {})
  },
  exits: async (skynet, given) => {
    const service = await launch(skynet, 'exits', given, 'is told')
    await service.call.begin()
    await service.call.leave().catch(() => {})
  },
  'is killed': async (skynet, given) => {
    const service = await launch(skynet, 'is killed', given, 'is told')
    await service.call.begin()
    await skynet.kill(service.handle)
  },
  'fails to launch': (skynet, given) =>
    launch(skynet, 'fails to launch', given, 'fails').catch(() => {}),
}

for (const [way, end] of Object.entries(WAYS)) {
  // Proves: docs/semantics.md#end-waits
  check(`every wait of a service that ${way} settles`, async (skynet) => {
    await end(skynet, await others(skynet))
    const ends = settled.get(way)!
    await until('they are begun', () => ends.size > 0)
    const waiting = (): string[] => [...ends].filter(([, how]) => how === 'waits').map(([w]) => w)
    await until('all have settled', () => waiting().length === 0).catch(() => {})
    assert.deepEqual(waiting(), [])
    for (const wait of Object.keys(ENDLESS)) {
      assert.equal(ends.get(wait), 'ERR_SERVICE_EXITED', wait)
    }
    for (const wait of Object.keys(OTHERS)) {
      // What was quick has ended as it would have, others with their socket or the service.
      const how = /^ok$|^ERR_SERVICE_EXITED$|^ERR_SOCKET_|^ERR_BIND$|^ERR_PROTOCOL_UNKNOWN$/
      assert.match(ends.get(wait)!, how, wait)
    }
    await until('it has no socket', () => openSockets(skynet, (at) => !skynet.isAlive(at)) === 0)
  })
}

for (const [host, what] of [
  ['127.0.0.1', 'an address'],
  ['localhost', 'a name'],
] as const) {
  // Proves: docs/semantics.md#end-waits
  check(
    `no socket is left of a service that exits while it opens it, by ${what}`,
    async (skynet) => {
      const peer = await skynet.socket.listen({ host, port: 0 })
      for (let turns = 0; turns < 12; turns++) {
        const { call, handle } = await skynet.newService<typeof opener>('../fixtures/opener.ts', {
          on: 'same',
        })
        await call.openAndExit(host, peer.port, turns).catch(() => {})
        await until('the service has ended', () => !skynet.isAlive(handle))
        const ends = openings.get(handle)!
        await until('all have settled', () => ends.length === 3)
        for (const end of ends) assert.match(end, /^ok$|^ERR_SERVICE_EXITED$|^ERR_SOCKET_/)
        const left = () => skynet.socket.netstat().filter(({ owner }) => owner === handle)
        await until('it has no socket', () => left().length === 0)
      }
    },
  )
}
