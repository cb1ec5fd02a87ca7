/** What becomes of frames that a link between nodes does not take, or loses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { SkynetError } from '../base/errors.ts'
import { type FramePeer, PeerFrames } from './peer-frames.ts'

const full = () => new SkynetError('ERR_LINK_FULL', { node: 'b', limit: 8, sent: 'no' })
const lost = () => new SkynetError('ERR_NODE_LOST', { node: 'b', epoch: 1, sent: 'maybe' })
const late = () =>
  new SkynetError('ERR_CALL_TIMEOUT', { to: 'b', method: 'frame', timeoutMs: 1, sent: 'maybe' })

/** Harbor 2, which says to each frame what the test wants; time passes when it says so. */
class Scene {
  readonly got: string[] = []
  /** Of the next frames, in turn: how each fails. */
  readonly failures: (Error | undefined)[] = []
  readonly dropped: string[] = []
  #sleepers: (() => void)[] = []
  readonly peer: FramePeer = {
    call: {
      frame: async (harbor, body) => {
        assert.equal(harbor, 1)
        const failure = this.failures.shift()
        if (failure !== undefined) throw failure
        this.got.push(Buffer.from(body).toString())
      },
    },
  }
  up: FramePeer | undefined = this.peer
  readonly frames = new PeerFrames(
    {
      peerOf: () => this.up,
      sleep: () => new Promise<void>((resolve) => this.#sleepers.push(resolve)),
      dropped: (_parcel, { code, info }) =>
        this.dropped.push(`${code} ${(info as { sent: string }).sent}`),
    },
    1,
  )

  write(text: string, isAnswer: boolean): void {
    const frame = Buffer.from(`size${text}`)
    void this.frames.write(2, { frame, call: undefined, isAnswer })
  }

  /** All who sleep are woken. @returns How many that were. */
  async pass(): Promise<number> {
    const woken = this.#sleepers.splice(0)
    for (const wake of woken) wake()
    await turn()
    return woken.length
  }
}

// Proves: docs/harbor.md#cluster-full
// Proves: docs/harbor.md#cluster-lost
test('a request that the link does not take, or loses, is dropped with a code', async () => {
  const scene = new Scene()
  scene.failures.push(full(), lost(), late())
  for (const text of ['a', 'b', 'c', 'd']) scene.write(text, false)
  assert.equal(scene.frames.unsentOf(2), 20)
  await turn()
  assert.deepEqual(scene.dropped, ['ERR_HARBOR_FULL no', 'ERR_HARBOR_LOST maybe'])
  assert.deepEqual([scene.got, scene.frames.unsentOf(2)], [['d'], 0])
  assert.equal(await scene.pass(), 0)
})

// Proves: docs/harbor.md#cluster-lost
test('an answer is sent again until it arrives, and later ones wait behind it', async () => {
  const scene = new Scene()
  scene.failures.push(full())
  scene.write('a', true)
  await turn()
  scene.write('b', true)
  scene.write('request', false)
  await turn()
  assert.deepEqual(scene.got, ['request'])
  scene.failures.push(lost())
  assert.equal(await scene.pass(), 1)
  assert.deepEqual([scene.got, scene.frames.unsentOf(2)], [['request'], 10])
  assert.equal(await scene.pass(), 1)
  assert.deepEqual([scene.got, scene.dropped], [['request', 'a', 'b'], []])
  assert.equal(scene.frames.unsentOf(2), 0)
  scene.write('c', true)
  await turn()
  assert.deepEqual([scene.got.at(-1), await scene.pass()], ['c', 0])
})

test('an answer for a harbor that is gone meanwhile is sent no more', async () => {
  const scene = new Scene()
  scene.failures.push(lost())
  scene.write('a', true)
  await turn()
  scene.write('b', true)
  scene.up = undefined
  assert.equal(await scene.pass(), 1)
  assert.deepEqual([scene.got, scene.frames.unsentOf(2), await scene.pass()], [[], 0, 0])
  scene.write('c', true)
  assert.equal(scene.frames.unsentOf(2), 0)
})
