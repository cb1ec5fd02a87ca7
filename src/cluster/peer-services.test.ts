/** What is told of a request that needed one of another node. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import type { ServiceRef } from '../service/ref.ts'
import { noteUnsent, thrownToo } from '../service/sendable.ts'
import type { Skynet } from '../skynet/skynet.ts'
import { PeerServices } from './peer-services.ts'

/** `.cluster` of node `b` answers each request with that error. */
function setUp(error: Error): PeerServices {
  const fails = (): Promise<never> => Promise.reject(error)
  const call = { find: fails, launchHere: fails, hasChannel: fails, childHere: fails }
  const skynet = { ref: () => ({ with: () => ({ call }) }) }
  const border = { handleFor: () => 9, peerUp: () => ({}) }
  const node = { peer: (name: string) => (name === 'b' ? { node: name, epoch: 7 } : undefined) }
  return new PeerServices(skynet as never as Skynet, { border, node } as never, 1000)
}

/** As the service `.cluster` of this node tells who asked it. */
async function told(asking: Promise<unknown>): Promise<SkynetError> {
  const thrown = await asking.then(
    () => assert.fail('it has come'),
    (error: unknown) => error,
  )
  return thrownToo(thrown) as SkynetError
}

const supervisor = {} as ServiceRef

// Proves: docs/cluster.md#asked-there
test('what did not leave for a node has not run, for who needed it either', async () => {
  const infos = [
    ['ERR_NODE_LOST', { node: 'b', epoch: 7, sent: 'no' }],
    ['ERR_LINK_FULL', { node: 'b', limit: 8, sent: 'no' }],
    ['ERR_NODE_LOST', { node: 'b', epoch: 7, sent: 'maybe' }],
  ] as const
  for (const [code, info] of infos) {
    const error = new SkynetError(code, info as never)
    noteUnsent(error)
    const others = setUp(error)
    const asked = [
      others.ask('b', 0, (peer) => peer.find('.x')),
      others.ask('b', 0, (peer) => peer.launchHere('x.js', '1', {})),
      others.ask('b', 0, (peer) => peer.hasChannel(1)),
      others.ask('b', 0, (peer) => peer.childHere('a@1/1', supervisor, 'x.js', '1', {})),
    ]
    for (const each of asked) assert.deepEqual((await told(each)).info, info)
  }
})

test('a node that nobody knows is asked nothing', async () => {
  const asking = setUp(new Error('asked')).ask('c', 0, (peer) => peer.load())
  await assert.rejects(asking, { code: 'ERR_NODE_UNKNOWN' })
})
