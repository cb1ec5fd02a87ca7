import {
  POLL_EVENTS_MAX,
  RECEIVE_BUFFER_BYTES_MAX,
  START_NOTICE_MS,
  STATS_MS,
} from '../base/limits.ts'
import { DEFAULT_SETTINGS, type SocketSettings } from '../net/settings.ts'
import type { LogFormat } from '../service/log.ts'

/** What holds for all sockets, and tuning of the thread that serves them. */
export interface SocketConfig extends SocketSettings {
  /** Bytes received and not read by the service beyond which reading pauses. Default 128 KiB. */
  readonly receiveLimitBytes: number
  /** Events that one wait of the socket thread brings, 1..4096. Default 64. */
  readonly eventsPerWait: number
  /** Cores for the socket thread. Default `[]`: any. */
  readonly cpus: readonly number[]
}

export const SOCKET_DEFAULTS: SocketConfig = {
  ...DEFAULT_SETTINGS,
  receiveLimitBytes: RECEIVE_BUFFER_BYTES_MAX,
  eventsPerWait: POLL_EVENTS_MAX,
  cpus: [],
}

/** How long threads wait for others, in milliseconds. No config key: tests set them. */
export interface NodeBudgets {
  /** For what was written to leave, when the node stops. */
  readonly flushMs: number
  /** For a worker to tell its mailboxes, for a crash report. */
  readonly inspectMs: number
  /** For a thread to tell where it is; one in native code does not. */
  readonly stackMs: number
  /** For a worker to tell what it holds. */
  readonly statsMs: number
  /** For a setup, before it is said that it is not done. */
  readonly startNoticeMs: number
}

/** So many times `flushMs` the phases of the end have, besides hooks: see main/shutdown.ts. */
export const END_FLUSHES = 7

export const BUDGETS: NodeBudgets = {
  flushMs: 150,
  inspectMs: 200,
  stackMs: 1000,
  statsMs: STATS_MS,
  startNoticeMs: START_NOTICE_MS,
}

/** What the config of a node in a cluster has, whatever moves its frames. */
interface InCluster {
  /** Of this node: no other one of the cluster has it at the same time. At most 64 bytes. */
  readonly name: string
  /** Deadline of a call to another node that names none, in milliseconds. Default 10,000. */
  readonly callTimeoutMs?: number
  /** How long a node may be silent until it may be declared dead, in milliseconds. Default 3000. */
  readonly leaseMs?: number
  /** Which code runs here: nodes of another launch nothing for it. Default: name and version. */
  readonly build?: string
  /** Of the cluster: nodes of others are refused. Default `skynet`. */
  readonly cluster?: string
}

interface OverTcp extends InCluster {
  /** How frames move: `tcp`, which is the default, or `nats`. */
  readonly transport?: 'tcp'
  /** Where others find this node, when that is another address than `listen`. */
  readonly advertise?: string
  /** All nodes have the same, at least 16 bytes. Without one only nodes of this machine. */
  readonly secret?: string
  /**
   * Nodes talk over TLS, and each shows a certificate of its name, that `ca` has signed, and that
   * no list of `crl` revokes: texts in PEM, or paths.
   */
  readonly tls?: TlsFiles
  readonly nats?: never
}

/** Each is a text in PEM, or the path of a file that has it. */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
  readonly crl?: string
}

interface WithSeed extends OverTcp {
  /** `127.0.0.1:7001`. Port 0 lets the system choose. */
  readonly listen: string
  /** Address of the node that keeps what the cluster has agreed on. Either this, or `nodes`. */
  readonly seed: string
  readonly nodes?: never
}

interface WithNodes extends OverTcp {
  /** `127.0.0.1:7001`. Port 0 lets the system choose. Default: what `nodes` says of this node. */
  readonly listen?: string
  /** Every node of the cluster and its address; the first one is the seed. */
  readonly nodes: Readonly<Record<string, string>>
  readonly seed?: never
}

interface OverNats extends InCluster {
  readonly transport: 'nats'
  /** What NATS needs, as docs/cluster.md says. */
  readonly nats: Readonly<Record<string, unknown>>
  readonly listen?: never
  readonly advertise?: never
  readonly seed?: never
  readonly nodes?: never
  readonly secret?: never
  readonly tls?: never
}

/**
 * The cluster that a node is in, of which this floor only knows the name of the node. What else is
 * in it is for the service of the cluster, which checks it: see docs/config.md.
 */
export type ClusterConfig = WithSeed | WithNodes | OverNats

/**
 * The configuration of a node, complete and checked: every key has its value, every path is
 * absolute. `cli/config.ts` makes it from what the user wrote; `main/node.ts` builds the node from
 * it.
 */
export interface ResolvedConfig {
  /** Worker threads that run services, 1..`WORKERS_MAX`. */
  readonly thread: number
  /** How many dedicated workers there may be at a time; each costs address space, not memory. */
  readonly dedicated: number
  /** The high 8 bits of every handle of this node, 0..`HARBOR_MAX`. */
  readonly harbor: number
  /** Undefined: it is in no cluster. */
  readonly cluster: ClusterConfig | undefined
  /** Absolute path of the module of the first service. */
  readonly start: string
  /** What the first service is started with: message values. */
  readonly args: readonly unknown[]
  /** Absolute path of the log file; undefined: standard output. */
  readonly logger: string | undefined
  /** Absolute path of the module of the logger service; undefined: ours. */
  readonly logservice: string | undefined
  readonly logFormat: LogFormat
  /** Absolute path of the pid file; undefined: no daemon. For the command only. */
  readonly daemon: string | undefined
  /** Absolute path of the folder for crash reports; undefined: none are written. */
  readonly crashFolder: string | undefined
  /** What services read with `skynet.getenv`. */
  readonly env: Readonly<Record<string, string | number | boolean>>
  /** Deadline of a call that names none, in milliseconds; 0: none. */
  readonly callTimeoutMs: number
  /** Measure from the beginning how long the code of each service takes. */
  readonly profile: boolean
  /** How long a handler may hold its worker before it is reported, in milliseconds; 0: for ever. */
  readonly monitorMs: number
  /** What is done with a worker that is reported: nothing, or it is ended and replaced. */
  readonly monitorAction: 'keep' | 'kill'
  /** How long stop hooks may take, in milliseconds; 0: they are not run. */
  readonly graceMs: number
  /** How long logger and first service may take to be ready, in milliseconds; 0: for ever. */
  readonly startMs: number
  /** How long exit hooks may take, in milliseconds. */
  readonly exitMs: number
  /** JavaScript heap of a worker in MiB, beyond which it dies; 0: Node's own limit. */
  readonly memoryLimitMb: number
  /** Absolute paths of the folders where bare service names are looked up, in this order. */
  readonly services: readonly string[]
  readonly socket: SocketConfig
  /** Cores for the workers, in turn; empty: any. */
  readonly cpus: readonly number[]
  readonly budgets: NodeBudgets
}
