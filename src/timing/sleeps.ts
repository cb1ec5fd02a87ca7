/** Tasks that rest until their time comes or somebody wakes them by their token. */
import { checkMs, checkOptions, shown } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { type PartHost, PartKey } from '../service/part.ts'
import { Waiter, type WaitFor, type WaitHost } from '../service/wait.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'

export interface SleepOptions {
  readonly signal?: AbortSignal | undefined
  /** By which `wakeup` can break the sleep: any value, compared as a key of a `Map`. */
  readonly token?: unknown
}

const SLEEP_NAMES = ['signal', 'token']

class Sleep implements WaitFor {
  readonly kind = 'sleep'
  readonly #due: number

  constructor(due: number) {
    this.#due = due
  }

  get what(): string {
    return `until ${Math.round(this.#due)}`
  }
}

class TokenWait implements WaitFor {
  readonly kind = 'wait'
  readonly #token: unknown

  constructor(token: unknown) {
    this.#token = token
  }

  get what(): string {
    return `token ${shown(this.#token)}`
  }
}

/** What Sleeps need of their service. */
export interface SleepsHost extends WaitHost, PartHost {
  /** Milliseconds since the node started. */
  now(): number
  /** What is in its mailbox is handled. */
  readonly takesMail: boolean
}

export class Sleeps {
  readonly #service: SleepsHost
  #byToken: Map<unknown, Waiter<'BREAK' | undefined>> | undefined

  constructor(service: SleepsHost) {
    this.#service = service
  }

  sleep(ms: number, options?: SleepOptions): Promise<'BREAK' | undefined> {
    checkOptions('sleep', 'options', options, SLEEP_NAMES)
    const service = this.#service
    checkMs('sleep', 'ms', ms)
    const { signal, token } = options ?? {}
    const limits = signal === undefined ? undefined : { signal }
    const waiter = this.#waiter(token, limits, new Sleep(service.now() + ms))
    // Mail for which this turn has no time would else come after the timer, due in the next one.
    if (ms === 0 && service.takesMail) service.afterMail(() => this.#begin(waiter, 0))
    else this.#begin(waiter, ms)
    return waiter.promise
  }

  wait(token: unknown, options?: WaitOptions): Promise<'BREAK' | undefined> {
    checkWait('wait', options)
    if (token === undefined) throw new TypeError(`Cannot wait without a token`)
    return this.#waiter(token, options, new TokenWait(token)).promise
  }

  /** @returns Whether somebody rested on that token. */
  wakeup(token: unknown): boolean {
    const waiter = this.#byToken?.get(token)
    waiter?.resolve('BREAK')
    return waiter !== undefined
  }

  #begin(waiter: Waiter<'BREAK' | undefined>, ms: number): void {
    if (!waiter.isOver) this.#service.addTimer(ms, waiter)
  }

  #waiter(
    token: unknown,
    limits: WaitOptions | undefined,
    about: WaitFor,
  ): Waiter<'BREAK' | undefined> {
    if (token !== undefined && this.#byToken?.has(token)) {
      throw new SkynetError('ERR_TOKEN_TAKEN', { token: shown(token) })
    }
    const waiter = new Waiter<'BREAK' | undefined>(this.#service, about, limits, () => {
      if (token !== undefined) this.#byToken?.delete(token)
    })
    if (token !== undefined && !waiter.isOver) {
      this.#byToken ??= new Map()
      this.#byToken.set(token, waiter)
    }
    return waiter
  }
}

const KEY = new PartKey<Sleeps>()

/** Made with the first use. */
export const sleepsOf = (service: SleepsHost): Sleeps =>
  service.part(KEY) ?? service.addPart(KEY, new Sleeps(service))
