/** The connection of a node to NATS, which its transport and its store share. */
import type { Msg, MsgHdrs, NatsConnection, Status } from '@nats-io/transport-node'
import { SkynetError } from '../../base/errors.ts'
import { NATS_ANSWER_MS, NATS_PAYLOAD_BYTES_MIN } from '../../base/limits.ts'
import { messageOf } from '../../base/thrown.ts'
import { faultOf, storeLost } from './faults.ts'
import { type Library, library } from './library.ts'
import type { ResolvedNats } from './options.ts'

export interface ClientUser {
  /** A connection is there, or there again; it may be another object. */
  up(connection: NatsConnection): void
  /** It was cut. What was under way may have come, or not. */
  down(): void
  /** The server lets us publish or subscribe no such thing. */
  denied(operation: 'publish' | 'subscription', subject: string): void
}

/**
 * nats.js keeps what is published without a connection, and sends it when there is one, unasked:
 * nothing is handed to it while `isUp` is false.
 */
export class NatsClient {
  readonly options: ResolvedNats
  #library: Library | undefined
  #connection: NatsConnection | undefined
  #opening: Promise<NatsConnection> | undefined
  #isUp = false
  #isClosed = false
  readonly #users = new Set<ClientUser>()

  constructor(options: ResolvedNats) {
    this.options = options
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** The server is one of a cluster of servers. */
  get isOfMany(): boolean {
    return this.#connection?.info?.cluster !== undefined
  }

  get address(): string {
    return this.options.servers.join(', ')
  }

  /** The last one that leaves closes the connection. */
  use(user: ClientUser): void {
    this.#users.add(user)
  }

  async leave(user: ClientUser): Promise<void> {
    if (!this.#users.delete(user) || this.#users.size > 0) return
    this.#isClosed = true
    // One that opens now is closed as soon as it is there: a server may take its time to answer.
    await this.#connection?.close()
  }

  /**
   * The connection, made if there is none. It mends itself from then on.
   *
   * @throws {SkynetError} `ERR_CLUSTER_AUTH`, `ERR_STORE_LOST`, `ERR_NATS_SERVER`,
   * `ERR_PACKAGE_MISSING`
   */
  async open(): Promise<NatsConnection> {
    if (this.#connection !== undefined) return this.#connection
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #connect(): Promise<NatsConnection> {
    this.#library = library()
    const options = this.options.connection(this.#library)
    const connection = await this.#library.connect(options).catch((error: unknown) => {
      // Of a server that wants a certificate and gets none, nats.js hears nothing more.
      const hint = this.options.wantsCertificate ? ' (does it want a certificate of the node?)' : ''
      throw faultOf(error, `${this.address}${hint}`)
    })
    try {
      if (this.#isClosed) throw storeLost('it was closed meanwhile')
      checkServer(connection)
    } catch (error) {
      await connection.close()
      throw error
    }
    this.#connection = connection
    turnToNext(connection)
    void this.#follow(connection)
    this.#up(connection)
    return connection
  }

  headers(): MsgHdrs {
    return this.#library!.headers()
  }

  /** Ask a server. What it answers may be that it cannot. */
  async request(subject: string, body: Uint8Array | string, headers?: MsgHdrs): Promise<Msg> {
    const connection = this.#connection
    if (connection === undefined || !this.#isUp) throw storeLost(`${this.address}: no connection`)
    const options = { timeout: NATS_ANSWER_MS, ...(headers === undefined ? {} : { headers }) }
    return connection.request(subject, body, options)
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) this.#status(connection, status)
    if (this.#connection === connection) this.#connection = undefined
    this.#down('it was closed')
  }

  #status(connection: NatsConnection, status: Status): void {
    if (status.type === 'disconnect') this.#down(status.server)
    else if (status.type === 'reconnect') this.#again(connection, status.server)
    else if (status.type === 'error') this.#error(status.error)
    else if (status.type === 'ldm') this.options.log(`nats: ${status.server} is about to end`)
  }

  #again(connection: NatsConnection, server: string): void {
    try {
      checkServer(connection)
    } catch (error) {
      this.options.log(`nats: ${messageOf(error)}`)
      return
    }
    this.options.log(`nats: connected to ${server} again`)
    this.#up(connection)
  }

  #up(connection: NatsConnection): void {
    this.#isUp = true
    for (const user of [...this.#users]) user.up(connection)
  }

  #down(why: string): void {
    if (!this.#isUp) return
    this.#isUp = false
    if (!this.#isClosed) this.options.log(`nats: the connection was cut: ${why}`)
    for (const user of [...this.#users]) user.down()
  }

  #error(error: Error): void {
    this.options.log(`nats: ${messageOf(error)}`)
    if (!(error instanceof this.#library!.PermissionViolationError)) return
    const { operation, subject } = error
    for (const user of [...this.#users]) user.denied(operation, subject)
  }
}

/**
 * When it is cut for the first time nats.js would dial the same server again, which may be silent:
 * `NATS_CONNECT_MS` are lost, and a lease with them. This turns its list by one, if that server is
 * the next one there: after a first dial that failed it is not. The list is no part of what nats.js
 * promises: where it is not found, that server is dialled first.
 */
function turnToNext(connection: NatsConnection): void {
  const { servers } = (connection as { protocol?: { servers?: ServerList } }).protocol ?? {}
  if (String(servers?.next?.()) === connection.getServer()) servers?.selectServer?.()
}

interface ServerList {
  next?(): unknown
  selectServer?(): unknown
}

/** @throws {SkynetError} `ERR_NATS_SERVER` */
function checkServer(connection: NatsConnection): void {
  const { info } = connection
  const server = connection.getServer()
  if (info === undefined) return
  if (info.headers !== true) throw unfit(server, 'it knows no headers: it must be 2.9 or later')
  if (info.max_payload >= NATS_PAYLOAD_BYTES_MIN) return
  const reason = `its max_payload must be at least ${NATS_PAYLOAD_BYTES_MIN}: current value is`
  throw unfit(server, `${reason} ${info.max_payload}`)
}

export function unfit(server: string, reason: string): SkynetError<'ERR_NATS_SERVER'> {
  return new SkynetError('ERR_NATS_SERVER', { server, reason })
}
