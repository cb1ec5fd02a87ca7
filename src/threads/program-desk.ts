/** Calls of the program that started the node: here they go on, as calls of a service. */
import type { Address } from '../service/addresses.ts'
import { sendable } from '../service/sendable.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { unpack } from '../wire/unpack.ts'
import type { Control, Report } from './protocol.ts'

/** The service on whose behalf they are made. */
interface Proxy {
  readonly hasEnded: boolean
  readonly runtime: { handleOf(address: Address): number; knownHandle(address: Address): number }
  callMethod(to: number, message: unknown[], options: WaitOptions): Promise<unknown>
  sendMethod(to: number, message: unknown[]): boolean
}

export interface DeskHost {
  readonly launch: () => Promise<Proxy>
  /** The bytes are the caller's. */
  readonly pack: (value: unknown) => Uint8Array
  readonly report: (report: Report) => void
  /** Of what nobody waits for. */
  readonly complain: (text: string) => void
}

type Ask = Control & { kind: 'ask' }

export class ProgramDesk {
  readonly #host: DeskHost
  #proxy: Proxy | undefined
  #launch: Promise<Proxy> | undefined
  /** Calls that are not answered, by token. */
  readonly #open = new Map<number, AbortController>()

  constructor(host: DeskHost) {
    this.#host = host
  }

  /** They go on in the order in which they come, also while the service is launched. */
  ask(ask: Ask): void {
    if (this.#proxy !== undefined && !this.#proxy.hasEnded) {
      this.#goOn(this.#proxy, ask)
      return
    }
    this.#launch ??= this.#begin()
    this.#launch.then(
      (proxy) => this.#goOn(proxy, ask),
      (error: unknown) => this.#failed(ask, error),
    )
  }

  async #begin(): Promise<Proxy> {
    try {
      this.#proxy = await this.#host.launch()
      return this.#proxy
    } finally {
      this.#launch = undefined
    }
  }

  /** The program does not wait for it any more. */
  giveUp(token: number): void {
    this.#open.get(token)?.abort()
    this.#open.delete(token)
  }

  #goOn(proxy: Proxy, ask: Ask): void {
    try {
      const bytes = Buffer.from(ask.message)
      const message = unpack(bytes, 0, bytes.length) as unknown[]
      if (ask.token === 0) this.#send(proxy, ask.to, message)
      else this.#call(proxy, ask, message)
    } catch (error) {
      this.#failed(ask, error)
    }
  }

  #send(proxy: Proxy, to: Address, message: unknown[]): void {
    const handle = proxy.runtime.handleOf(to)
    if (handle !== 0 && proxy.sendMethod(handle, message)) return
    this.#host.complain(`Cannot send ${String(message[0])} to ${to}: there is no such service`)
  }

  #call(proxy: Proxy, { token, to, timeoutMs }: Ask, message: unknown[]): void {
    const handle = proxy.runtime.knownHandle(to)
    const giveUp = new AbortController()
    this.#open.set(token, giveUp)
    const limits = { timeoutMs, signal: giveUp.signal }
    proxy.callMethod(handle, message, limits).then(
      (value) => this.#answer(token, true, value),
      (error: unknown) => this.#answer(token, false, sendable(error)),
    )
  }

  #failed({ token, to }: Ask, error: unknown): void {
    if (token === 0) this.#host.complain(`Cannot send to ${to}: ${String(error)}`)
    else this.#answer(token, false, sendable(error))
  }

  #answer(token: number, isGood: boolean, value: unknown): void {
    this.#open.delete(token)
    this.#host.report({ kind: 'answered', token, isGood, value: this.#host.pack(value) })
  }
}
