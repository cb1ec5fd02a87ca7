/** The seed of a cluster over TCP is killed, started again, and held. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import type { Skynet } from 'skynet-ts'
import { tcpCluster } from 'skynet-ts/cluster'
import { Member, recordOf, SECRET } from '../../src/cluster/tcp/tcp.kit.ts'
import { freePort } from '../support/free-port.ts'
import { runNode } from '../support/process.ts'
import { serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const LEASE_MS = 1000

class Scene {
  readonly a: Member
  readonly #seed: string
  #child: ChildProcess | undefined

  constructor(skynet: Skynet, seed: string) {
    this.#seed = seed
    const options = { name: 'a', listen: '127.0.0.1:0', seed, secret: SECRET }
    this.a = new Member('a', tcpCluster(options, skynet, { leaseMs: LEASE_MS }))
  }

  async startSeed(epoch: number): Promise<void> {
    const { child } = runNode('tcp-seed.ts', [this.#seed, SECRET, epoch])
    this.#child = child
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk
    })
    await until('the seed listens', () => out.includes('listens'))
  }

  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child!.kill(name)
  }

  /** Members open a store again until it is there. */
  opened(): Promise<{ readonly era: number }> {
    return until('the store is open', () => this.a.cluster.store.open().catch(() => undefined))
  }

  told(line: string): Promise<unknown> {
    return until(line, () => this.a.told.includes(line))
  }

  /** An echo of the seed has come. */
  async echoes(epoch: number): Promise<void> {
    this.a.heard()
    assert.equal(this.a.cluster.transport.send({ node: 'm', epoch }, Buffer.of(1), 0), true)
    await this.told(`m@${epoch} \x01`)
  }

  async close(): Promise<void> {
    await this.a.cluster.transport.close()
    await this.a.cluster.store.close()
    this.#child?.kill('SIGKILL')
  }
}

async function scene(skynet: Skynet): Promise<Scene> {
  const at = new Scene(skynet, `127.0.0.1:${await freePort()}`)
  await at.startSeed(1)
  await at.a.open()
  await at.opened()
  at.a.join(5)
  await at.told('writable m@1')
  return at
}

// Proves: docs/cluster-tcp.md#era
// Proves: docs/cluster-tcp.md#era
serviceTest(import.meta.url, 'kill -9 of the seed: at once, and another era', async (skynet) => {
  const at = await scene(skynet)
  const { store } = at.a.cluster
  const { era } = await store.open()
  assert.equal(await store.cas('node.a', Buffer.from('1'), 0), 1)
  const told: unknown[] = []
  const watch = store.watch(
    () => {},
    (reason) => told.push((reason as { code: string }).code),
  )
  await watch.ready
  at.signal('SIGKILL')
  await at.told('reset m@1')
  assert.deepEqual(told, ['ERR_STORE_LOST'])
  await assert.rejects(store.cas('node.a', Buffer.from('2'), 1), { code: 'ERR_STORE_LOST' })
  await at.startSeed(2)
  await at.told('writable m@2')
  // Of the former memory nothing is asked of this one.
  await assert.rejects(store.cas('node.a', Buffer.from('2'), 0), { code: 'ERR_STORE_LOST' })
  assert.ok((await at.opened()).era > era)
  assert.equal(await store.get('node.a'), undefined)
  await at.echoes(2)
  await at.close()
})

// Proves: docs/cluster-tcp.md#held
// Proves: docs/cluster-tcp.md#held
serviceTest(import.meta.url, 'a seed that is held takes no more than fits', async (skynet) => {
  const at = await scene(skynet)
  at.a.cluster.transport.peerKnown(recordOf('m', 1))
  at.signal('SIGSTOP')
  const frame = Buffer.alloc(32 * 1024)
  const { transport, store } = at.a.cluster
  // It may have answered one just before.
  await until('the store is lost', () =>
    store.get('node.a').then(
      () => false,
      (error: { code?: string }) => error.code === 'ERR_STORE_LOST',
    ),
  )
  // Kernels take what they take; from then on nothing more is kept here.
  await until('it is cut, as nothing of it is taken for a lease', async () => {
    while (transport.send({ node: 'm', epoch: 1 }, frame, 0));
    return at.a.told.includes('reset m@1')
  })
  at.signal('SIGCONT')
  await at.opened()
  await until('it is back', () => at.a.told.at(-1) === 'writable m@1')
  await at.echoes(1)
  await at.close()
})
