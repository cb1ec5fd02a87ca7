/** Subscriptions of Redis: a channel of their own, which subscribes again on each connection. */
import { isSkynetError, type Skynet, type WaitOptions } from 'skynet-ts'
import { type ParsedChannel, socketChannel } from 'skynet-ts/channel'
import { channelOptions, type RedisOptions } from './redis.ts'
import { encode, type Reply } from './resp.ts'

/** What was published. */
export interface Published {
  readonly channel: string
  /** Of `psubscribe`: the pattern that the channel matches. */
  readonly pattern?: string
  readonly data: string
}

/** The four commands: which names each keeps. */
const COMMANDS = {
  subscribe: { kept: 'channels', isOn: true },
  unsubscribe: { kept: 'channels', isOn: false },
  psubscribe: { kept: 'patterns', isOn: true },
  punsubscribe: { kept: 'patterns', isOn: false },
} as const
type Command = keyof typeof COMMANDS

/**
 * What is published while there is no connection is lost, as Redis keeps nothing for subscribers.
 * What comes while nobody waits is kept up to a limit; beyond it Redis has to wait.
 */
export class Watch implements AsyncIterable<Published>, AsyncDisposable {
  readonly #skynet: Skynet
  readonly #channel: ParsedChannel<Reply>
  readonly #kept = { channels: new Set<string>(), patterns: new Set<string>() }

  constructor(skynet: Skynet, options: RedisOptions = {}) {
    this.#skynet = skynet
    const all = channelOptions(options, async (to) => {
      const { channels, patterns } = this.#kept
      if (channels.size > 0) await to.send(encode(['SUBSCRIBE', ...channels]))
      if (patterns.size > 0) await to.send(encode(['PSUBSCRIBE', ...patterns]))
    })
    this.#channel = socketChannel(skynet, all)
  }

  subscribe(...channels: readonly string[]): Promise<void> {
    return this.#change('subscribe', channels)
  }

  unsubscribe(...channels: readonly string[]): Promise<void> {
    return this.#change('unsubscribe', channels)
  }

  psubscribe(...patterns: readonly string[]): Promise<void> {
    return this.#change('psubscribe', patterns)
  }

  punsubscribe(...patterns: readonly string[]): Promise<void> {
    return this.#change('punsubscribe', patterns)
  }

  /** Resolves once it was sent. A connection that is made for it subscribes to all by itself. */
  async #change(command: Command, names: readonly string[]): Promise<void> {
    const { kept, isOn } = COMMANDS[command]
    for (const name of names) {
      if (isOn) this.#kept[kept].add(name)
      else this.#kept[kept].delete(name)
    }
    await this.#channel.send(encode([command.toUpperCase(), ...names]))
  }

  /** The next message. When the connection is lost it comes from the next one. */
  async message({ timeoutMs = 0, signal }: WaitOptions = {}): Promise<Published> {
    const until = this.#skynet.now() + timeoutMs
    for (;;) {
      // What is left of it may be nothing, which must not be no limit.
      const leftMs = timeoutMs === 0 ? 0 : Math.max(1, until - this.#skynet.now())
      try {
        const published = publishedOf(await this.#channel.response({ timeoutMs: leftMs, signal }))
        if (published !== undefined) return published
      } catch (error) {
        if (!isSkynetError(error, 'ERR_SOCKETCHANNEL_LOST')) throw error
      }
    }
  }

  /** Messages until the watch is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Published, void, void> {
    try {
      for (;;) yield await this.message()
    } catch (error) {
      if (!isSkynetError(error, 'ERR_SOCKETCHANNEL_CLOSED')) throw error
    }
  }

  close(): Promise<void> {
    return this.#channel.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Undefined: it says that a subscription was taken, or left. */
function publishedOf(reply: Reply): Published | undefined {
  if (!Array.isArray(reply)) return undefined
  const [kind, ...words] = reply as string[]
  if (kind === 'message') return { channel: words[0]!, data: words[1]! }
  if (kind !== 'pmessage') return undefined
  return { pattern: words[0]!, channel: words[1]!, data: words[2]! }
}
