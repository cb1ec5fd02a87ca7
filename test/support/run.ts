/**
 * Tests whose bodies run inside a service, on the real threads of a node.
 *
 * A test file is loaded twice: by the test process, where each `serviceTest` becomes a test, and by
 * a worker of the node, where it only leaves its body to be found by title. So a body may use
 * everything its file imports, and runs as any service does.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test as nodeTest } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'
import type { Skynet } from 'skynet-ts'
import { type Node, type NodeConfig, resolveConfig, startNode } from 'skynet-ts/node'

/** What others may call of the service that runs the body; the body fills it in. */
export type Handlers = Record<string, (...args: never[]) => unknown>
export type Body = (skynet: Skynet, handlers: Handlers) => unknown
type Outcome = { readonly error?: unknown }

const TEST_MS_MAX = 20_000
const bodies = new Map<string, Body>()
let shared: Promise<TestNode> | undefined
let nodes = 0

/** A node with two workers whose first service runs test bodies. */
export class TestNode {
  readonly node: Node
  readonly #channel: BroadcastChannel
  readonly #folder: string
  readonly #waiting = new Map<string, (outcome: Outcome) => void>()

  constructor(node: Node, channel: BroadcastChannel, folder: string) {
    this.node = node
    this.#channel = channel
    this.#folder = folder
    channel.onmessage = (event) => {
      const { title, ...outcome } = (event as { data: Outcome & { title: string } }).data
      this.#waiting.get(title)?.(outcome)
    }
  }

  static async start(config: Partial<NodeConfig> = {}): Promise<TestNode> {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-test-'))
    const name = `skynet-test-${process.pid}-${++nodes}`
    const channel = new BroadcastChannel(name)
    const start = join(import.meta.dirname, '../fixtures/runner.ts')
    const logger = join(folder, 'log')
    const env = { folder, logger }
    const given = { thread: 2, start, args: [name], logger, env, ...config }
    return new TestNode(await startNode(resolveConfig(given, folder)), channel, folder)
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
    return readFileSync(join(this.#folder, 'log'), 'utf8')
  }

  async stop(): Promise<void> {
    await this.node.stop()
    this.#channel.close()
    rmSync(this.#folder, { recursive: true })
  }
}

/** A test of the test process; nothing in a worker. */
export function test(title: string, body: () => Promise<void>): void {
  if (isMainThread) nodeTest(title, { timeout: TEST_MS_MAX }, body)
}

/**
 * A test whose body is a service on worker 0 of two.
 *
 * @param file `import.meta.url` of the test file.
 * @param config Starts a node for this test alone; without it, one node serves the whole file.
 * @param on The worker where the body runs.
 */
export function serviceTest(
  file: string,
  title: string,
  body: Body,
  config?: Partial<NodeConfig>,
  on = 0,
): void {
  bodies.set(title, body)
  if (!isMainThread) return
  if (bodies.size === 1) after(async () => (await shared)?.stop())
  nodeTest(title, { timeout: TEST_MS_MAX }, async (t) => {
    if (config === undefined) shared ??= TestNode.start()
    const node = await (config === undefined ? shared! : TestNode.start(config))
    try {
      await node.run(file, title, on)
    } catch (error) {
      t.diagnostic(node.log())
      throw error
    } finally {
      if (config !== undefined) await node.stop()
    }
  })
}

export const bodyOf = (title: string): Body | undefined => bodies.get(title)

/** Wait until `condition` holds. It fails after ten seconds. */
export async function until(what: string, condition: () => unknown): Promise<void> {
  for (let round = 0; round < 5000; round++) {
    if (await condition()) return
    await delay(2)
  }
  throw new Error(`it never came true that ${what}`)
}

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
