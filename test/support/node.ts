/** A node for one test: started from a config, its log in a file, stopped when the test ends. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig, type Node, startNode } from 'skynet-ts/node'

/** For what must happen, however slow the machine is; nothing waits so long that works. */
const WAIT_MS_MAX = 120_000

export interface TestNode {
  readonly node: Node
  /** What the node has logged so far. */
  log(): string
  /** Fails when a fault was logged. A long mailbox is none: that is up to who gets the cores. */
  assertNoFault(): void
  /** Wait until the log matches. */
  logged(pattern: RegExp): Promise<RegExpExecArray>
}

/**
 * Start the node of a config file.
 *
 * @param overrides `key=value`, as `--set` takes them.
 */
export async function startTestNode(
  t: TestContext,
  config: URL,
  overrides: readonly string[] = [],
): Promise<TestNode> {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-test-'))
  const file = join(folder, 'log')
  t.after(() => rmSync(folder, { recursive: true }))
  const path = new URL(config.href.replace(/\.ts$/, '.js')).pathname
  const node = await startNode(await loadConfig(path, [`logger=${file}`, ...overrides]))
  t.after(() => node.stop())
  const log = (): string => readFileSync(file, 'utf8')
  const logged = (pattern: RegExp): Promise<RegExpExecArray> =>
    until(() => pattern.exec(log()) ?? undefined, `a line like ${pattern}`)
  const assertNoFault = (): void => assert.doesNotMatch(log(), /error: (?!May overload)/)
  return { node, log, logged, assertNoFault }
}

/**
 * Wait until `look` finds something: any value but undefined and false.
 *
 * @param what Named when it does not come.
 */
export async function until<T>(look: () => T | undefined | false, what: string): Promise<T> {
  const endsAt = performance.now() + WAIT_MS_MAX
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    assert.ok(performance.now() < endsAt, `waited in vain for ${what}`)
    await sleep(5)
  }
}
