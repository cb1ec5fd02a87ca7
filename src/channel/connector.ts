/** How a channel comes to a connection: round by round through its addresses. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import { Waiter, type WaitFor, waitAlong } from '../service/wait.ts'
import type { WaitLimits } from '../service/wait-options.ts'
import { type DialHost, dial } from './dial.ts'
import type { Hosts } from './hosts.ts'
import type { ChannelLink } from './link.ts'

/** What a connector needs of its channel. */
export interface ConnectorHost extends DialHost {
  readonly options: DialHost['options'] & { readonly retryMs: number; readonly retryMsMax: number }
  /** There is a connection. */
  opened(link: ChannelLink): void
  /** No address has let us in. */
  refused(error: unknown): void
}

/** Address after address, until one lets us in. */
interface Round {
  /** When it ends. It may be left alone. */
  done: Promise<void>
  /** Ends what it is trying now. */
  trial: AbortController
  /** Why it is not wanted any more. Undefined: if its trial was ended, it begins again. */
  stopped: Error | undefined
}

export class Connector implements WaitFor {
  readonly hosts: Hosts
  readonly kind = 'socket'
  readonly #host: ConnectorHost
  /** Under way. */
  #round: Round | undefined
  /** Why nobody was to be connected to, the last time. */
  #stopped: Error | undefined
  /** `connect` waits before it tries again. */
  readonly #pauses = new Set<Waiter<void>>()
  /** When the last connection was made, also one that was lost before it was of use. */
  #openedAt = Number.NEGATIVE_INFINITY
  /** Connections in a row that were lost early, and when the last of them was made. */
  #earlyLosses = 0
  #earlyAt = Number.NEGATIVE_INFINITY

  constructor(host: ConnectorHost, hosts: Hosts) {
    this.#host = host
    this.hosts = hosts
  }

  /** One round, that which is under way if there is one. It may be left alone. */
  begin(): Promise<void> {
    if (this.#round !== undefined) return this.#round.done
    const round: Round = {
      done: Promise.resolve(),
      trial: new AbortController(),
      stopped: undefined,
    }
    // Before it runs: what opens a stream may close the channel.
    this.#round = round
    round.done = this.#run(round)
    round.done.catch(() => {})
    for (const pause of this.#pauses) pause.resolve()
    return round.done
  }

  async #run(round: Round): Promise<void> {
    for (;;) {
      const { signal } = round.trial
      try {
        const { link, host } = await dial(this.#host, this.hosts.inOrder(), signal)
        if (signal.aborted) link.lose(this.#left(host.address))
        this.#openedAt = this.#host.service.runtime.now
        if (link.error !== undefined) throw link.error
        this.#round = undefined
        this.hosts.use(host)
        this.#host.opened(link)
        return
      } catch (error) {
        // Whoever has stopped it has told who waited, and a next round may be under way.
        if (round.stopped !== undefined) throw round.stopped
        if (signal.aborted) {
          round.trial = new AbortController()
          continue
        }
        this.#round = undefined
        this.#host.refused(error)
        throw error
      }
    }
  }

  #left(address: string): Error {
    const reason = 'it is not wanted any more'
    return new SkynetError('ERR_SOCKETCHANNEL_LOST', { address, reason })
  }

  /**
   * Rounds until there is a connection, with pauses in between that become longer.
   *
   * @param again After which errors another round may do better.
   */
  async connect(again: readonly string[], left: () => WaitLimits): Promise<void> {
    const { service } = this.#host
    const since = this.#stopped
    for (let tries = 0; ; tries++) {
      try {
        await waitAlong(service, this, left(), this.begin())
        return
      } catch (error) {
        this.#checkGoesOn(since)
        if (!isSkynetError(error) || !again.includes(error.code)) throw error
        this.#host.note(`tries again: ${messageOf(error)}`)
      }
      await this.#pause(tries, left())
      this.#checkGoesOn(since)
    }
  }

  /** Who closes the channel may come before who waits hears of what it waits for. */
  #checkGoesOn(since: Error | undefined): void {
    if (this.#stopped !== since) throw this.#stopped
  }

  /** For who hears of each connection that is lost, and comes again then. */
  async reconnect(left: () => WaitLimits): Promise<void> {
    // A server that lets us in and sends us away at once is not asked without a pause either.
    const since = this.#stopped
    if (this.#wasEarly()) await this.#pause(this.#earlyLosses, left())
    this.#checkGoesOn(since)
    await this.connect(REFUSED, left)
  }

  /** Was the last connection lost soon? It is counted once, whoever asks. */
  #wasEarly(): boolean {
    const { service, options } = this.#host
    const isEarly = service.runtime.now - this.#openedAt < options.retryMs
    if (!isEarly) this.#earlyLosses = 0
    else if (this.#earlyAt !== this.#openedAt) this.#earlyLosses++
    this.#earlyAt = this.#openedAt
    return isEarly
  }

  #pause(tries: number, limits: WaitLimits): Promise<void> {
    const { service, options } = this.#host
    const pause = new Waiter<void>(service, this, limits, (over) => this.#pauses.delete(over))
    if (!pause.isOver) {
      this.#pauses.add(pause)
      service.addTimer(Math.min(tries * options.retryMs, options.retryMsMax), pause)
    }
    return pause.promise
  }

  /** The round under way begins again, with what `hosts` has now. */
  restart(): void {
    this.#round?.trial.abort()
  }

  /** Nobody is to be connected to. */
  stop(error: Error): void {
    this.#stopped = error
    const round = this.#round
    this.#round = undefined
    if (round !== undefined) {
      round.stopped = error
      round.trial.abort(error)
    }
    for (const pause of this.#pauses) pause.reject(error)
  }

  get what(): string {
    return `connect to ${this.hosts.current.address}`
  }

  late(timeoutMs: number): Error {
    const { address } = this.hosts.current
    return new SkynetError('ERR_SOCKETCHANNEL_TIMEOUT', { address, timeoutMs })
  }
}

/** No address has let us in. */
const REFUSED: readonly string[] = ['ERR_CONNECT', 'ERR_SOCKETCHANNEL_AUTH']
/** Whatever has happened: for who wants to be connected. */
export const UNTIL_CONNECTED: readonly string[] = [...REFUSED, 'ERR_SOCKETCHANNEL_LOST']
