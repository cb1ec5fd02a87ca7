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
  const { service, auth } = dialHost
  const { connectTimeoutMs } = dialHost.options
  const { address } = host
  const left = limitsFrom(service.runtime, { timeoutMs: connectTimeoutMs, signal })
  const stream = await dialHost.open(host.endpoint, left()).catch((cause: unknown) => {
    if (isMeant(cause) || isSkynetError(cause, 'ERR_CONNECT')) throw cause
    throw new SkynetError('ERR_CONNECT', { address, reason: messageOf(cause) }, { cause })
  })
  const link = dialHost.link(stream, host)
  link.start()
  if (auth === undefined) return link
  const waiter = new Waiter<unknown>(service, new AuthWait(address), left())
  begin(async () => auth(link)).then(
    (value) => waiter.resolve(value),
    (error: unknown) => waiter.reject(error),
  )
  try {
    await waiter.promise
    if (link.error !== undefined) throw link.error
    return link
  } catch (cause) {
    const reason = messageOf(cause)
    const error = new SkynetError('ERR_SOCKETCHANNEL_AUTH', { address, reason }, { cause })
    link.lose(error)
    if (isMeant(cause)) throw cause
    dialHost.note(`auth failed at ${address}: ${reason}`)
    throw error
  }
}

/** Nobody wants the connection any more. */
const isMeant = (error: unknown): boolean =>
  isSkynetError(error, 'ABORT_ERR') || isSkynetError(error, 'ERR_SERVICE_EXITED')

class AuthWait implements WaitFor {
  readonly kind = 'socket'
  readonly what: string
  readonly #address: string

  constructor(address: string) {
    this.#address = address
    this.what = `auth of ${address}`
  }

  late(timeoutMs: number): Error {
    return new SkynetError('ERR_SOCKETCHANNEL_TIMEOUT', { address: this.#address, timeoutMs })
  }
}
