/** Which node this is, where it listens, and where the others are: checked. */
import { randomBytes } from 'node:crypto'
import { checkOptions, checkPlain, checkText, hidden, refusal } from '../../base/check.ts'
import { CLUSTER_SECRET } from '../../base/cluster-secret.ts'
import { SkynetError } from '../../base/errors.ts'
import { type HostPort, hostPortText, isLoopbackHost, readHostPort } from '../../base/host-port.ts'
import { CLUSTER_NAME_BYTES_MAX, CLUSTER_SECRET_BYTES_MIN } from '../../base/limits.ts'
import { Certificates, type TcpTls } from './certificates.ts'
import type { Identity } from './handshake.ts'
import { INSTANCE_BYTES } from './hello.ts'

/** A cluster that needs no other program: its nodes talk to each other over TCP. */
export interface TcpClusterOptions {
  /** Of this node: no other one of the cluster has it at the same time. At most 64 bytes. */
  readonly name: string
  /** Of the cluster: nodes of others are refused. Default `skynet`. */
  readonly cluster?: string | undefined
  /** `127.0.0.1:7001`. Port 0 lets the system choose. Default: what `nodes` says of this node. */
  readonly listen?: string | undefined
  /** Where others find this node, when that is another address than `listen`. */
  readonly advertise?: string | undefined
  /**
   * The node that keeps what the cluster has agreed on, by its address; of that node itself the
   * same as `listen` or `advertise`. Either this, or `nodes`.
   */
  readonly seed?: string | undefined
  /**
   * Every node of the cluster and its address; the first one is the seed. Whole numbers as names
   * come before all others, the least first, wherever they are written.
   */
  readonly nodes?: Readonly<Record<string, string>> | undefined
  /**
   * All nodes have the same, at least 16 bytes that nobody can guess: `openssl rand -hex 32`.
   * Without one a node talks to others of this machine only.
   */
  readonly secret?: string | undefined
  /**
   * Nodes talk over TLS, and each shows a certificate that has its name. With it no secret is
   * needed; both may be.
   */
  readonly tls?: TcpTls | undefined
}

export const TCP_OPTION_NAMES: readonly string[] = [
  'name',
  'cluster',
  'listen',
  'advertise',
  'seed',
  'nodes',
  'secret',
  'tls',
]

/** Options that were checked. */
export interface TcpRules {
  readonly identity: Identity
  /** Undefined: it talks no TLS. */
  readonly certificates: Certificates | undefined
  /** Nobody has to prove anything: this node talks to others of its machine only. */
  readonly isOpen: boolean
  readonly listen: HostPort
  readonly advertise: HostPort | undefined
  /** Where the seed is, and its name when that is known; undefined: this node is it. */
  readonly seed: { readonly place: HostPort; readonly node: string | undefined } | undefined
  /** Of nodes that were named: their places, which go before what they say themselves. */
  readonly places: ReadonlyMap<string, HostPort>
}

const WHAT = 'join a cluster over TCP'

/**
 * @throws {SkynetError} `ERR_CLUSTER_AUTH`: without a secret it would be open to everybody.
 * `TypeError`, `RangeError` naming the option.
 */
export function checkTcp(options: TcpClusterOptions): TcpRules {
  checkPlain(WHAT, 'options', options)
  checkOptions(WHAT, 'options', options, TCP_OPTION_NAMES)
  const { name, cluster = 'skynet', advertise, seed, nodes, secret, tls } = options
  checkName('name', name)
  checkName('cluster', cluster)
  if (secret !== undefined) checkSecret(secret)
  if ((seed === undefined) === (nodes === undefined)) {
    throw refusal('value', WHAT, 'seed', "given, or 'nodes', and not both", seed)
  }
  const places = placesOf(nodes)
  const listen =
    options.listen === undefined ? places.get(name) : tcpPlaceOf('listen', options.listen)
  if (listen === undefined) {
    throw refusal('value', WHAT, 'listen', `given, as 'nodes' has no '${name}'`, options.listen)
  }
  const rules: TcpRules = {
    identity: {
      node: name,
      cluster,
      secret: secret ?? '',
      instance: randomBytes(INSTANCE_BYTES).toString('hex'),
    },
    certificates: tls === undefined ? undefined : new Certificates(WHAT, tls, name),
    isOpen: secret === undefined && tls === undefined,
    listen,
    advertise: advertise === undefined ? places.get(name) : tcpPlaceOf('advertise', advertise, 1),
    seed: seedOf(options, places),
    places,
  }
  if (rules.isOpen) checkClosed(rules)
  return rules
}

function seedOf(
  { name, listen, advertise, seed }: TcpClusterOptions,
  places: ReadonlyMap<string, HostPort>,
): TcpRules['seed'] {
  if (seed === undefined) {
    const [[node, place]] = places as Iterable<[string, HostPort]> as [[string, HostPort]]
    return node === name ? undefined : { place, node }
  }
  const place = tcpPlaceOf('seed', seed, 1)
  const isOwn = [listen, advertise].some((own) => own !== undefined && isSame(own, place))
  return isOwn ? undefined : { place, node: undefined }
}

const LOCALHOST = ['localhost', '127.0.0.1', '::1']
const isSameHost = (a: string, b: string): boolean =>
  a === b || ([a, b].includes('localhost') && LOCALHOST.includes(a) && LOCALHOST.includes(b))

const isSamePlace = (a: HostPort, b: HostPort): boolean =>
  isSameHost(a.host, b.host) && a.port === b.port

const isSame = (own: string, place: HostPort): boolean =>
  isSamePlace(tcpPlaceOf('listen', own), place)

function placesOf(nodes: TcpClusterOptions['nodes']): Map<string, HostPort> {
  if (nodes === undefined) return new Map()
  checkPlain(WHAT, 'nodes', nodes)
  const places = Object.entries(nodes).map(([node, address]): [string, HostPort] => {
    checkName(`nodes.${node}`, node)
    return [node, tcpPlaceOf(`nodes.${node}`, address, 1)]
  })
  for (const [i, [node, place]] of places.entries()) {
    const other = places.slice(0, i).find(([, each]) => isSamePlace(each, place))
    if (other === undefined) continue
    const expected = `another address than that of '${other[0]}'`
    throw refusal('value', WHAT, `nodes.${node}`, expected, nodes[node])
  }
  if (places.length === 0) throw refusal('value', WHAT, 'nodes', 'at least one node', nodes)
  return new Map(places)
}

/** @throws `TypeError`, `RangeError` unless it is `host:port`, or `[host]:port` of IPv6. */
export function tcpPlaceOf(option: string, address: unknown, portMin = 0): HostPort {
  checkText(WHAT, option, address)
  const place = readHostPort(address as string, portMin)
  if (place !== undefined) return place
  const expected = `an address as 127.0.0.1:7001 or [::1]:7001, with a port from ${portMin}`
  throw refusal('value', WHAT, option, expected, address)
}

function checkName(option: string, name: unknown): void {
  checkText(WHAT, option, name)
  const text = name as string
  const bytes = Buffer.byteLength(text)
  if (bytes <= CLUSTER_NAME_BYTES_MAX && text.isWellFormed()) return
  throw refusal('range', WHAT, option, `text of at most ${CLUSTER_NAME_BYTES_MAX} bytes`, name)
}

/** It must not be in an error: only how long it is. */
function checkSecret(secret: unknown): void {
  const isText = typeof secret === 'string'
  if (isText && Buffer.byteLength(secret) >= CLUSTER_SECRET_BYTES_MIN) return
  throw refusal(isText ? 'range' : 'type', WHAT, 'secret', CLUSTER_SECRET, secret, hidden)
}

/** Closed by default. */
function checkClosed({ listen, advertise, seed, places }: TcpRules): void {
  const all = [listen, advertise, seed?.place, ...places.values()]
  const open = all.find((place) => place !== undefined && !isLoopbackHost(place.host))
  if (open === undefined) return
  const reason =
    "without a secret only nodes of this machine are let in: set 'secret' of the cluster to the " +
    "same on each node (openssl rand -hex 32), or 'tls' to certificates, or use 127.0.0.1"
  throw new SkynetError('ERR_CLUSTER_AUTH', { address: hostPortText(open), reason })
}
