/** A node of a test: its log in a file of its own. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { loadConfig, type Node, type ResolvedConfig, startNode } from 'skynet-ts/node'
import { until } from './until.ts'

/** All but long mailboxes, and setups that take longer than they should. */
const FAULT = /error: (?!May overload|setup: not done after)/

export class TestNode {
  readonly node: Node
  readonly #folder: string

  constructor(node: Node, folder: string) {
    this.node = node
    this.#folder = folder
  }

  /** @param configOf Told the node's folder, and a file in it for its log. */
  static async start(
    configOf: (folder: string, log: string) => ResolvedConfig | Promise<ResolvedConfig>,
  ): Promise<TestNode> {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-test-'))
    try {
      const node = await startNode(await configOf(folder, join(folder, 'log')))
      return new TestNode(node, folder)
    } catch (error) {
      rmSync(folder, { recursive: true })
      throw error
    }
  }

  /** What the node has logged so far. */
  readonly log = (): string => readFileSync(join(this.#folder, 'log'), 'utf8')

  /** Wait until the log matches. */
  readonly logged = (pattern: RegExp): Promise<RegExpExecArray> =>
    until(`a line like ${pattern}`, () => pattern.exec(this.log()))

  /** Fails when a fault was logged. What is up to who gets the cores is none. */
  readonly assertNoFault = (): void => assert.doesNotMatch(this.log(), FAULT)

  async stop(): Promise<void> {
    await this.node.stop()
    rmSync(this.#folder, { recursive: true })
  }
}

/**
 * Start the node of a config file; it is stopped when the test ends.
 *
 * @param overrides `key=value`, as `--set` takes them.
 */
export async function startTestNode(
  t: TestContext,
  config: URL,
  overrides: readonly string[] = [],
): Promise<TestNode> {
  const path = new URL(config.href.replace(/\.ts$/, '.js')).pathname
  const node = await TestNode.start((_, log) => loadConfig(path, [`logger=${log}`, ...overrides]))
  t.after(() => node.stop())
  return node
}
