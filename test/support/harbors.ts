/** Nodes of a harbor cluster in this process, and their programs. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import type { MethodsOf, ServiceRef } from 'skynet-ts'
import { type NodeConfig, resolveConfig } from 'skynet-ts/node'
import type harborUser from '../fixtures/harbor-user.ts'
import { TestNode } from './node.ts'
import { fixture } from './process.ts'

export interface HarborNode {
  readonly test: TestNode
  readonly user: ServiceRef<MethodsOf<typeof harborUser>>
}

/** A node of that number, which has joined nothing so far. */
export async function aNode(
  t: TestContext,
  harbor: number,
  config: Partial<NodeConfig> = {},
): Promise<HarborNode> {
  const start = fixture('harbor-user.ts')
  const test = await TestNode.start((folder, logger) =>
    resolveConfig({ thread: 2, harbor, start, logger, graceMs: 0, ...config }, folder),
  )
  t.after(() => test.stop())
  return { test, user: test.node.ref<typeof harborUser>('.user') }
}

const LOOPBACK = '127.0.0.1:0'

/** Nodes of these numbers, one after the other; the first is the master. Returns where that is. */
export async function aCluster(
  t: TestContext,
  ...harbors: number[]
): Promise<{ readonly nodes: HarborNode[]; readonly master: string }> {
  const nodes: HarborNode[] = []
  let master = ''
  for (const harbor of harbors) {
    const node = await aNode(t, harbor)
    const where = nodes.length === 0 ? { standalone: LOOPBACK } : { master }
    master = await node.user.call.join({ address: LOOPBACK, ...where })
    nodes.push(node)
  }
  return { nodes, master }
}

/** A node in a process of its own, to be killed, once it has joined. */
export async function aProcess(
  t: TestContext,
  harbor: number,
  options: object,
  config: Partial<NodeConfig> = {},
): Promise<ChildProcess> {
  const file = fixture('harbor-process.ts').replace(/\.ts$/, import.meta.url.slice(-3))
  const words = [file, `${harbor}`, JSON.stringify(options), JSON.stringify(config)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}
