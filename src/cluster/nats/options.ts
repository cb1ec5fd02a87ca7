/** How a node reaches NATS, and who it says that it is. */
import { readFileSync } from 'node:fs'
import type { Authenticator, ConnectionOptions } from '@nats-io/transport-node'
import {
  checkArray,
  checkChoice,
  checkFlag,
  checkFunction,
  checkOptions,
  checkText,
  hidden,
  refusal,
} from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import {
  CLUSTER_NAME_BYTES_MAX,
  NATS_CONNECT_MS,
  NATS_PING_MS,
  NATS_PING_OF_MANY_MS,
  NATS_PINGS_OUT_MAX,
  NATS_PINGS_OUT_OF_MANY_MAX,
  NATS_RECONNECT_MS,
} from '../../base/limits.ts'
import { messageOf } from '../../base/thrown.ts'
import type { Library } from './library.ts'
import { Subjects } from './subjects.ts'

/** As nats.js has them: a text in PEM, or a file of it. */
export interface NatsTls {
  readonly ca?: string
  readonly caFile?: string
  readonly cert?: string
  readonly certFile?: string
  readonly key?: string
  readonly keyFile?: string
  /** The server demands TLS before it says a word. */
  readonly handshakeFirst?: boolean
}

/** The config of a node: plain data. */
export interface NatsOptions {
  /** `host:port`, of one server or of several that are one cluster. */
  readonly servers: string | readonly string[]
  /** With `pass`. */
  readonly user?: string
  readonly pass?: string
  readonly token?: string
  /** The seed of an nkey, `SU…`; the server has the public half. */
  readonly nkeySeed?: string
  /** A file with that seed: `skynet cluster permissions` writes one for each node. */
  readonly nkeySeedFile?: string
  /** Of mTLS as well: with a certificate of the node, its server asks for nothing else. */
  readonly tls?: NatsTls
  /**
   * Where the server keeps what was decided. `'memory'` (default) for one server: what it forgets
   * at a restart, the nodes tell it again. `'file'` for production.
   */
  readonly storage?: 'memory' | 'file'
  /** How many servers keep it: 1 (default), 3 or 5. More than one keep it in files. */
  readonly replicas?: 1 | 3 | 5
}

export interface NatsClusterOptions extends NatsOptions {
  readonly cluster: string
  /** The name of this node. */
  readonly node: string
  /** Told what nobody waits for, as a connection that was cut: a line each. */
  readonly log?: (line: string) => void
}

/** The same, whole. */
export interface ResolvedNats {
  readonly cluster: string
  readonly subjects: Subjects
  readonly servers: readonly string[]
  readonly storage: 'memory' | 'file'
  readonly replicas: number
  readonly log: (line: string) => void
  /** TLS, and no certificate of the node. */
  readonly wantsCertificate: boolean
  /** Read when it connects: a file may be there by then. */
  connection(library: Library): ConnectionOptions
}

const WHAT = 'use NATS'
const TLS_TEXTS = ['ca', 'caFile', 'cert', 'certFile', 'key', 'keyFile'] as const
const TEXTS = ['user', 'pass', 'token', 'nkeySeed', 'nkeySeedFile'] as const
const NAMES = ['servers', ...TEXTS, 'tls', 'storage', 'replicas']
const REPLICAS = [1, 3, 5]
/** A host that only this machine reaches, with a port or without. */
const LOOPBACK = /^(?:nats:\/\/|tls:\/\/)?(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?\/?$/

/**
 * @throws {TypeError} What is misspelt, missing, or of the wrong type.
 * @throws {RangeError} What cannot be.
 * @throws {SkynetError} `ERR_CLUSTER_AUTH`: without credentials, beyond this machine.
 */
export function resolveNats(options: NatsClusterOptions): ResolvedNats {
  const { cluster, node, log = () => {}, ...given } = options
  checkOptions(WHAT, 'options', given, NAMES)
  for (const name of ['cluster', 'node'] as const) {
    checkText(WHAT, name, options[name])
    const isWhole = options[name].isWellFormed()
    if (isWhole && Buffer.byteLength(options[name]) <= CLUSTER_NAME_BYTES_MAX) continue
    throw refusal(
      'range',
      WHAT,
      name,
      `text of at most ${CLUSTER_NAME_BYTES_MAX} bytes`,
      options[name],
    )
  }
  checkFunction(WHAT, 'log', log)
  for (const name of TEXTS) {
    if (options[name] !== undefined) checkText(WHAT, name, options[name], hidden)
  }
  checkTls(options.tls)
  const servers = serversOf(options.servers)
  const { storage, replicas } = checkStore(options)
  if (!hasCredentials(options)) {
    const open = servers.find((server) => !LOOPBACK.test(server))
    if (open !== undefined)
      throw new SkynetError('ERR_CLUSTER_AUTH', { address: open, reason: OPEN })
  }
  const subjects = new Subjects(cluster, node)
  const connection = (library: Library): ConnectionOptions => ({
    ...KEPT,
    ...(servers.length > 1 ? PINGS_OF_MANY : PINGS),
    ...credentialsOf(options, library),
    servers: [...servers],
    name: `skynet ${cluster} ${node}`,
    inboxPrefix: subjects.inboxPrefix,
  })
  const wantsCertificate = options.tls !== undefined && !hasCertificate(options)
  return { cluster, subjects, servers, storage, replicas, log, wantsCertificate, connection }
}

const OPEN =
  'a server beyond this machine needs credentials: nkeySeedFile, nkeySeed, user and pass, token, ' +
  'or tls with a certificate'

/** A cut is seen in seconds, and mended as long as it takes. */
const KEPT: ConnectionOptions = {
  // Servers tell of others. They are not of the config: nobody has looked at where they are.
  ignoreClusterUpdates: true,
  noAsyncTraces: true,
  // A server that refuses us today may know us again tomorrow: the first time it is an error.
  ignoreAuthErrorAbort: true,
  maxReconnectAttempts: -1,
  reconnectTimeWait: NATS_RECONNECT_MS,
  reconnectJitter: NATS_RECONNECT_MS,
  reconnectJitterTLS: NATS_RECONNECT_MS,
  timeout: NATS_CONNECT_MS,
}

/** Who has one server can only wait for it. */
const PINGS = { pingInterval: NATS_PING_MS, maxPingOut: NATS_PINGS_OUT_MAX } as const
const PINGS_OF_MANY = {
  pingInterval: NATS_PING_OF_MANY_MS,
  maxPingOut: NATS_PINGS_OUT_OF_MANY_MAX,
} as const

function serversOf(value: unknown): string[] {
  const servers = typeof value === 'string' ? [value] : value
  checkArray(WHAT, 'servers', servers)
  const list = servers as readonly unknown[]
  if (list.length === 0) throw refusal('value', WHAT, 'servers', 'at least one', 'none')
  for (const [i, server] of list.entries()) {
    checkText(WHAT, `servers[${i}]`, server)
    // It would stand in messages, and the client does not use it.
    if (!String(server).includes('@')) continue
    throw refusal('value', WHAT, `servers[${i}]`, 'without user and pass', 'one with @')
  }
  return list as string[]
}

function checkTls(tls: NatsTls | undefined): void {
  if (tls === undefined) return
  checkOptions(WHAT, 'tls', tls, [...TLS_TEXTS, 'handshakeFirst'])
  for (const name of TLS_TEXTS)
    if (tls[name] !== undefined) checkText(WHAT, `tls.${name}`, tls[name])
  checkFlag(WHAT, 'tls.handshakeFirst', tls.handshakeFirst)
}

function checkStore({ storage, replicas = 1 }: NatsOptions): {
  storage: 'memory' | 'file'
  replicas: number
} {
  if (storage !== undefined) checkChoice(WHAT, 'storage', storage, ['memory', 'file'])
  if (!REPLICAS.includes(replicas)) {
    throw refusal('range', WHAT, 'replicas', `one of ${REPLICAS.join(', ')}`, replicas)
  }
  // Servers that keep it in memory and start again at once have lost it, and do not say so: the
  // stream is as old as before.
  if (storage === 'memory' && replicas > 1) {
    throw refusal('value', WHAT, 'storage', "'file' where replicas is more than 1", storage)
  }
  return { storage: storage ?? (replicas > 1 ? 'file' : 'memory'), replicas }
}

function hasCredentials(options: NatsOptions): boolean {
  const { user, token, nkeySeed, nkeySeedFile } = options
  const words = [user, token, nkeySeed, nkeySeedFile]
  return hasCertificate(options) || words.some((word) => word !== undefined)
}

const hasCertificate = ({ tls }: NatsOptions): boolean =>
  tls?.cert !== undefined || tls?.certFile !== undefined

function credentialsOf(options: NatsClusterOptions, library: Library): ConnectionOptions {
  const { user, pass, token, tls } = options
  checkFiles(options)
  const seed = seedOf(options)
  return {
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
    ...(seed === undefined ? {} : { authenticator: authenticator(seed, options, library) }),
  }
}

function authenticator(seed: string, { servers }: NatsOptions, library: Library): Authenticator {
  const bytes = new TextEncoder().encode(seed)
  try {
    library.nkeys.fromSeed(bytes)
    return library.nkeyAuthenticator(bytes)
  } catch (cause) {
    const reason = `the nkey is no seed: ${messageOf(cause)}`
    throw new SkynetError('ERR_CLUSTER_AUTH', { address: String(servers), reason }, { cause })
  }
}

function seedOf(options: NatsOptions): string | undefined {
  const { nkeySeed, nkeySeedFile } = options
  if (nkeySeed !== undefined || nkeySeedFile === undefined) return nkeySeed?.trim()
  return readText('nkeySeedFile', nkeySeedFile, options).trim()
}

/** nats.js reads them itself, each time, and waits in vain for one that is not there. */
function checkFiles(options: NatsOptions): void {
  for (const name of ['caFile', 'certFile', 'keyFile'] as const) {
    const file = options.tls?.[name]
    if (file !== undefined) readText(`tls.${name}`, file, options)
  }
}

function readText(name: string, file: string, { servers }: NatsOptions): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason = `${name} cannot be read: ${messageOf(cause)}`
    throw new SkynetError('ERR_CLUSTER_AUTH', { address: String(servers), reason }, { cause })
  }
}
