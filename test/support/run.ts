/**
 * Tests whose bodies run inside a service, on the real threads of a node.
 *
 * A test file is loaded twice: by the test process, where each `serviceTest` becomes a test, and by
 * a worker of the node, where it only leaves its body to be found by file and title. So a body may
 * use everything its file imports, and runs as any service does.
 */
import { join } from 'node:path'
import { after, test as nodeTest } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'
import type { Skynet } from 'skynet-ts'
import { type Node, type NodeConfig, resolveConfig } from 'skynet-ts/node'
import { TestNode } from './node.ts'

/** What others may call of the service that runs the body; the body fills it in. */
export type Handlers = Record<string, (...args: never[]) => unknown>
export type Body = (skynet: Skynet, handlers: Handlers) => unknown
type Outcome = { readonly error?: unknown }

/** Hangs are found by it, not slow machines. */
const TEST_MS_MAX = 120_000
const bodies = new Map<string, Body>()
let nodes = 0

/** A node with two workers whose first service runs test bodies. */
export class BodyNode {
  readonly #test: TestNode
  readonly #channel: BroadcastChannel
  readonly #waiting = new Map<string, (outcome: Outcome) => void>()

  private constructor(node: TestNode, channel: BroadcastChannel) {
    this.#test = node
    this.#channel = channel
    channel.onmessage = (event) => {
      const { title, ...outcome } = (event as { data: Outcome & { title: string } }).data
      this.#waiting.get(title)?.(outcome)
    }
  }

  static async start(config: Partial<NodeConfig> = {}): Promise<BodyNode> {
    const name = `skynet-test-${++nodes}`
    const start = join(import.meta.dirname, '../fixtures/first.ts')
    const node = await TestNode.start((folder, logger) => {
      const env = { folder, logger }
      return resolveConfig({ thread: 2, start, args: [name], logger, env, ...config }, folder)
    })
    return new BodyNode(node, new BroadcastChannel(name))
  }

  get node(): Node {
    return this.#test.node
  }

  /** Run the body that `file` has under `title`, in a service of its own on worker `on`. */
  async run(file: string, title: string, on = 0): Promise<void> {
    const ended = new Promise<Outcome>((resolve) => this.#waiting.set(title, resolve))
    this.#channel.postMessage({ file, title, on })
    const died = this.node.exited.then((code) => ({ error: new Error(`node ended: ${code}`) }))
    const outcome = await Promise.race([ended, died])
    if ('error' in outcome) throw outcome.error
  }

  log(): string {
    return this.#test.log()
  }

  async stop(): Promise<void> {
    await this.#test.stop()
    this.#channel.close()
  }
}

/** A node for several tests, one after the other: the first one starts it. */
export class SharedNode {
  readonly #config: Partial<NodeConfig>
  #node: Promise<BodyNode> | undefined
  #endsWithTests = false

  constructor(config: Partial<NodeConfig> = {}) {
    this.#config = config
  }

  start(): Promise<BodyNode> {
    this.#node ??= BodyNode.start(this.#config)
    return this.#node
  }

  /** Stop it when all tests of the process are over. To be called before they begin. */
  endWithTests(): void {
    if (!this.#endsWithTests) after(async () => (await this.#node)?.stop())
    this.#endsWithTests = true
  }
}

const everyones = new SharedNode()

/** A test of the test process; nothing in a worker. */
export function test(title: string, body: () => Promise<void>): void {
  if (isMainThread) nodeTest(title, { timeout: TEST_MS_MAX }, body)
}

/**
 * A test whose body is a service on worker 0 of two.
 *
 * @param file `import.meta.url` of the test file.
 * @param place A config starts a node for this test alone, a `SharedNode` is for all tests that are
 * given it, and without either one node serves all files of the process.
 * @param on The worker where the body runs.
 */
export function serviceTest(
  file: string,
  title: string,
  body: Body,
  place: Partial<NodeConfig> | SharedNode = everyones,
  on = 0,
): void {
  bodies.set(`${file} ${title}`, body)
  if (!isMainThread) return
  const isShared = place instanceof SharedNode
  if (isShared) place.endWithTests()
  nodeTest(title, { timeout: TEST_MS_MAX }, async (t) => {
    const startedAt = performance.now()
    let outcome = 'failed'
    // For tools/test.mjs: the runner takes the place of the test for this file.
    t.after(() => {
      const ms = Math.ceil(performance.now() - startedAt)
      t.diagnostic(`${outcome} after ${ms} ms, of ${fileURLToPath(file)}`)
    })
    const node = await (isShared ? place.start() : BodyNode.start(place))
    try {
      await node.run(file, title, on)
    } catch (error) {
      t.diagnostic(node.log())
      throw error
    } finally {
      if (!isShared) await node.stop()
    }
    outcome = 'passed'
  })
}

export const bodyOf = (file: string, title: string): Body | undefined =>
  bodies.get(`${file} ${title}`)

/** A promise and the way to end it. */
export interface Gate<T> {
  readonly promise: Promise<T>
  readonly open: (value: T) => void
}

export function gate<T>(): Gate<T> {
  let open!: (value: T) => void
  const promise = new Promise<T>((resolve) => {
    open = resolve
  })
  return { promise, open }
}
