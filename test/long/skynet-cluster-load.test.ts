/** Two nodes of ours on Skynet's wire, under load, one of which is killed and comes back. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isSkynetError, type Skynet } from 'skynet-ts'
import { skynetCluster } from 'skynet-ts/skynet-cluster'
import { freePort } from '../support/free-port.ts'
import { runNode } from '../support/process.ts'
import { serviceTest } from '../support/run.ts'
import { below, seeded, seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'

const CALLS = 10_000
const AT_ONCE = 64
const KILLS_AT = [2000, 5000, 8000]
const BYTES_MIN = 64
/** 1 MB at most, and that seldom: 64 B, 128 B … 1 MB, each half as often. */
const DOUBLINGS = 14

class Peer implements AsyncDisposable {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'skynet-cluster-'))
  readonly #notes = join(this.#folder, 'handled')
  #node: ReturnType<typeof runNode> | undefined

  constructor(port: number) {
    this.port = port
    writeFileSync(this.#notes, '')
  }

  start(): void {
    this.#node = runNode('cluster-peer.ts', [this.port, this.#notes])
  }

  async kill(): Promise<void> {
    this.#node?.child.kill('SIGKILL')
    await this.#node?.ended
  }

  /** The calls that were handled, in their order. */
  handled(): number[] {
    return readFileSync(this.#notes, 'utf8').split('\n').filter(Boolean).map(Number)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

async function load(skynet: Skynet): Promise<void> {
  const random = seeded(seedOf())
  await using peer = new Peer(await freePort())
  const cluster = skynetCluster(skynet, {
    nodes: { peer: `127.0.0.1:${peer.port}` },
    timeoutMs: 60_000,
  })
  peer.start()
  const isThere = () => cluster.query('peer', 'peer').catch(() => 0)
  await until('the other node is there', isThere)
  /** How each call has ended; how often, by its place. */
  const ends = { answered: 0, no: [] as number[], maybe: [] as number[] }
  const times = new Uint8Array(CALLS)
  let next = 0
  let kills = 0

  const call = async (id: number): Promise<void> => {
    const doublings = Math.min(DOUBLINGS, Math.floor(-Math.log2(1 - random())))
    const text = 'x'.repeat(BYTES_MIN * 2 ** doublings + below(random, BYTES_MIN))
    try {
      const answer = await cluster.call('peer', '@peer', 'handle', id, text)
      assert.equal(answer, text)
      ends.answered++
    } catch (error) {
      if (!isSkynetError(error, 'ERR_SKYNETCLUSTER_LOST')) throw error
      ends[error.info.sent].push(id)
      await until('the other node is there again', isThere)
    }
    times[id]!++
  }
  const caller = async (): Promise<void> => {
    while (next < CALLS) {
      const id = next++
      if (KILLS_AT[kills] === id) {
        kills++
        skynet.fork(async () => {
          await peer.kill()
          peer.start()
        })
      }
      await call(id)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, caller))

  assert.ok(
    times.every((count) => count === 1),
    'each has ended once',
  )
  const { answered, no, maybe } = ends
  assert.equal(answered + no.length + maybe.length, CALLS)
  assert.ok(maybe.length > 0, 'some were under way')
  assert.ok(maybe.length + no.length <= KILLS_AT.length * AT_ONCE * 2)
  const handled = peer.handled()
  const once = new Set(handled)
  assert.equal(once.size, handled.length, 'none was handled twice')
  assert.deepEqual(
    no.filter((id) => once.has(id)),
    [],
    'what was not sent was not handled',
  )
  const lost = new Set([...no, ...maybe])
  for (let id = 0; id < CALLS; id++) assert.ok(lost.has(id) || once.has(id), `call ${id}`)
  const [node] = await cluster.nodes()
  assert.equal(node?.pending, 0)
}

// Proves: docs/skynet-cluster.md#call, #sent
serviceTest(
  import.meta.url,
  '10,000 calls of 64 B to 1 MB, and a node that is killed: each ends once, and truly',
  load,
)
