/** Nodes of a cluster over TCP in one thread: their sockets are those of a test node. */
import type { TestContext } from 'node:test'
import { FakeClock } from '../../testing/fake-clock.ts'
import { type TestNode, testNode } from '../../testing/test-node.ts'
import { vectorsOf } from '../../testing/vectors.ts'
import type { NodeRecord, PeerAddress } from '../core/transport.ts'
import type { TcpTls } from './certificates.ts'
import type { TcpClusterOptions } from './options.ts'
import { type TcpCluster, type TcpClusterParts, tcpCluster } from './tcp-cluster.ts'

export const SECRET = 'of the whole cluster, nobody else'
export const SEED = '127.0.0.1:7001'

/**
 * `ca` has signed all but `stranger`, whom `other` has signed. Each of one letter has that name;
 * `shared` those of `m` and `a`, `next` and `stranger` that of `a`, and so `expired`. `bare` has it
 * as its subject alone, `upper` as `A`, and `*`.
 */
export type CertificateName =
  | 'm'
  | 'a'
  | 'b'
  | 'z'
  | 'next'
  | 'shared'
  | 'stranger'
  | 'bare'
  | 'upper'
  | 'expired'

const CERTIFICATES = vectorsOf<
  Record<CertificateName, Omit<TcpTls, 'ca'>> & Record<'ca' | 'other', { readonly cert: string }>
>('cluster-certificates')

export const tlsOf = (name: CertificateName, ca: 'ca' | 'other' = 'ca'): TcpTls => ({
  ...CERTIFICATES[name],
  ca: CERTIFICATES[ca].cert,
})

export const recordOf = (node: string, epoch: number, ...addresses: string[]): NodeRecord => ({
  node,
  epoch,
  addresses,
  protocol: { min: 1, max: 1 },
  build: '',
  isDraining: false,
})

/** One that is heard: what its transport has told, as words. */
export class Member {
  readonly name: string
  readonly cluster: TcpCluster
  readonly told: string[] = []
  address = ''
  #epoch = 0

  constructor(name: string, cluster: TcpCluster) {
    this.name = name
    this.cluster = cluster
    const at = ({ node, epoch }: PeerAddress): string => `${node}@${epoch}`
    const { told } = this
    cluster.transport.events = {
      frame: (from, bytes, begin, end) => {
        told.push(`${at(from)} ${Buffer.from(bytes.subarray(begin, end)).toString('latin1')}`)
      },
      beat: (bytes) => void told.push(`beat ${Buffer.from(bytes).toString('latin1')}`),
      writable: (to) => void told.push(`writable ${at(to)}`),
      refused: (to) => void told.push(`refused ${at(to)}`),
      reset: (of) => void told.push(`reset ${of === 'all' ? of : at(of)}`),
      restored: () => void told.push('restored'),
    }
  }

  async open(): Promise<void> {
    const [address] = await this.cluster.transport.open()
    this.address = address!
  }

  join(epoch: number): void {
    this.#epoch = epoch
    this.cluster.transport.start({ node: this.name, epoch, era: 1 })
  }

  get record(): NodeRecord {
    return recordOf(this.name, this.#epoch, this.address)
  }

  knows(...others: readonly Member[]): void {
    for (const { record } of others) this.cluster.transport.peerKnown(record)
  }

  send(to: Member, text: string): boolean {
    return this.cluster.transport.send(to.record, Buffer.from(text), 0)
  }

  /** What it has been told since. */
  heard(): string[] {
    return this.told.splice(0)
  }
}

export class Scene {
  readonly node: TestNode
  readonly clock: FakeClock

  constructor(node: TestNode, clock: FakeClock) {
    this.node = node
    this.clock = clock
  }

  member(
    name: string,
    options: Partial<TcpClusterOptions> = {},
    parts: TcpClusterParts = {},
  ): Member {
    const where = options.nodes === undefined ? { listen: '127.0.0.1:0', seed: SEED } : {}
    const all = { name, secret: SECRET, ...where, ...options }
    const chance = { random: () => 0.5, wallNow: () => 1000 }
    return new Member(name, tcpCluster(all, this.node.skynet, { ...chance, ...parts }))
  }

  /** The one at SEED. */
  seed(name: string, options: Partial<TcpClusterOptions> = {}): Member {
    return this.member(name, { listen: SEED, ...options })
  }

  settled(): Promise<void> {
    return this.node.settled()
  }

  /** What was logged so far, in lines. */
  get log(): string[] {
    return this.node.log.all.map(({ text }) => text)
  }
}

export async function scene(t: TestContext): Promise<Scene> {
  const clock = new FakeClock()
  const node = await testNode({ clock })
  t.after(() => node.stop())
  return new Scene(node, clock)
}
