/** The way to one connection: address after address, and `auth` on each. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import { begin } from '../service/scope.ts'
import { Waiter, type WaitFor, type WaitHost } from '../service/wait.ts'
import { limitsFrom } from '../service/wait-options.ts'
import type { ByteStream } from '../sockets/byte-stream.ts'
import type { Host } from './hosts.ts'
import type { ChannelLink } from './link.ts'
import type { OpenStream } from './options.ts'

/** What dialling needs of its channel. */
export interface DialHost {
  readonly service: WaitHost & { readonly runtime: { readonly now: number } }
  readonly options: { readonly connectTimeoutMs: number }
  readonly open: OpenStream
  /** A link that nobody uses so far. */
  link(stream: ByteStream, host: Host): ChannelLink
  readonly auth: ((link: ChannelLink) => unknown) | undefined
  note(text: string): void
}

export interface Dialled {
  readonly link: ChannelLink
  readonly host: Host
}

/**
 * Connect to the first of them that lets us in.
 *
 * @param signal Ends it. What was connected by then is closed.
 * @throws {SkynetError} Of the last one: `ERR_CONNECT`, `ERR_SOCKETCHANNEL_AUTH`; `ABORT_ERR`.
 */
export async function dial(
  dialHost: DialHost,
  hosts: readonly Host[],
  signal: AbortSignal,
): Promise<Dialled> {
  let failure: unknown
  for (const [i, host] of hosts.entries()) {
    if (i > 0) dialHost.note(`connect to backup host ${host.address}`)
    try {
      return { link: await connectTo(dialHost, host, signal), host }
    } catch (error) {
      failure = error
      if (signal.aborted || dialHost.service.hasEnded) break
    }
  }
  throw failure
}

async function connectTo(
  dialHost: DialHost,
  host: Host,
  signal: AbortSignal,
): Promise<ChannelLink> {
  const { service, options, auth } = dialHost
  const { address } = host
  const left = limitsFrom(service.runtime, { timeoutMs: options.connectTimeoutMs, signal })
  /** What is done must not take longer, or outlast who wants it. */
  const within = <T>(verb: string, work: () => Promise<T>): Promise<T> => {
    const waiter = new Waiter<T>(service, new DialWait(verb, address), left())
    begin(work).then(
      (value) => waiter.resolve(value),
      (error: unknown) => waiter.reject(error),
    )
    return waiter.promise
  }
  /** What nobody wants any more is told as it is. */
  const failed = (code: 'ERR_CONNECT' | 'ERR_SOCKETCHANNEL_AUTH', cause: unknown): unknown => {
    if (signal.aborted || service.hasEnded || isSkynetError(cause, code)) return cause
    return new SkynetError(code, { address, reason: messageOf(cause) }, { cause })
  }
  let link: ChannelLink | undefined
  const opening = begin(async () => dialHost.open(host.endpoint, left()))
  try {
    link = dialHost.link(await within('connect to', () => opening), host)
  } catch (cause) {
    // It may still come, and nobody would close it.
    opening.then((stream) => stream.close()).catch(() => {})
    throw failed('ERR_CONNECT', cause)
  }
  link.start()
  if (auth === undefined) return link
  try {
    await within('auth of', async () => auth(link))
    if (link.error !== undefined) throw link.error
    return link
  } catch (cause) {
    const error = failed('ERR_SOCKETCHANNEL_AUTH', cause)
    link.lose(error as Error)
    if (error !== cause) dialHost.note(messageOf(error))
    throw error
  }
}

class DialWait implements WaitFor {
  readonly kind = 'socket'
  readonly what: string
  readonly #address: string

  constructor(verb: string, address: string) {
    this.#address = address
    this.what = `${verb} ${address}`
  }

  late(timeoutMs: number): Error {
    return new SkynetError('ERR_SOCKETCHANNEL_TIMEOUT', { address: this.#address, timeoutMs })
  }
}
