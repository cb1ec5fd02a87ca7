/** Who takes connections that want to speak another protocol, by their paths. */
import type { IncomingMessage } from 'node:http'
import { checkFunction, isA, refusal } from '../base/check.ts'
import type { ByteStream } from '../sockets/byte-stream.ts'
import { urlPath } from './url-path.ts'

/**
 * Gets the connection of a request that asks for another protocol, in place of the handler: it
 * answers by what it writes, and closes it.
 *
 * @param request Its header. Its `socket` is of no use, but to say who the peer is.
 * @param stream All that has come behind that header.
 */
export type TakeUpgrade = (request: IncomingMessage, stream: ByteStream) => unknown

/** A path, without what is behind `?`; or whatever can be told of a request. */
export type UpgradeTest = string | ((request: IncomingMessage) => boolean)

export class Upgrades {
  /** By paths and tests. Who is at a path comes before who asks for whatever there is. */
  readonly #paths = new Map<string, TakeUpgrade>()
  readonly #tests = new Map<(request: IncomingMessage) => boolean, TakeUpgrade>()

  has(test: UpgradeTest): boolean {
    return typeof test === 'string' ? this.#paths.has(test) : this.#tests.has(test)
  }

  /**
   * @returns Takes it off again.
   * @throws `TypeError` for another test or taker, and for a test that somebody has: nobody would
   * ever come to the second one.
   */
  add(test: UpgradeTest, take: TakeUpgrade): () => void {
    const isTest = (typeof test === 'string' && test.startsWith('/')) || isA(test, Function)
    if (!isTest) {
      throw refusal('type', 'take upgrades', 'test', 'a path from / on, or a function', test)
    }
    checkFunction('take upgrades', 'take', take)
    if (this.has(test)) {
      throw refusal('value', 'take upgrades', 'test', 'one that nobody else has', test)
    }
    const rows: Map<UpgradeTest, TakeUpgrade> = typeof test === 'string' ? this.#paths : this.#tests
    rows.set(test, take)
    let isOn = true
    return () => {
      if (isOn) rows.delete(test)
      isOn = false
    }
  }

  /** Who is at its path, or else the first who wants it. */
  find(request: IncomingMessage): TakeUpgrade | undefined {
    const taker = this.#paths.get(urlPath(request.url ?? ''))
    if (taker !== undefined) return taker
    for (const [test, take] of this.#tests) if (test(request)) return take
    return undefined
  }
}
