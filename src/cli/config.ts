/** The configuration of a node: its keys as a table, and the way from a file to a checked one. */
import { readFile, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkText, guess, hidden, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import {
  DEDICATED_MAX,
  EXIT_MS,
  GRACE_MS,
  HARBOR_MAX,
  MEMORY_LIMIT_MB_MAX,
  MEMORY_LIMIT_MB_MIN,
  MONITOR_INTERVAL_MS,
  TIMER_MS_MAX,
  WORKERS_MAX,
} from '../base/limits.ts'
import { inspected, isError, messageOf } from '../base/thrown.ts'
import { importModule } from '../modules/modules.ts'
import { SETTING_RANGES } from '../net/settings.ts'
import type { LogFormat } from '../service/log.ts'
import {
  BUDGETS,
  type ClusterConfig,
  type ResolvedConfig,
  SOCKET_DEFAULTS,
  type SocketConfig,
} from '../threads/options.ts'
import {
  boolean,
  type Check,
  cpus,
  folders,
  integer,
  isRecord,
  oneOf,
  path,
  record,
  type Scalar,
  scalars,
  values,
  zeroOr,
} from './checks.ts'
import { CLUSTER_KEYS, type ClusterParts, wrongAmong } from './cluster-config.ts'

/** What a config file exports. Paths are relative to the file. Only `start` must be given. */
export interface NodeConfig {
  /** Worker threads that run services, 1..1024. Default: the number of cores. */
  readonly thread?: number
  /** How many services may have a worker of their own at a time, 0..64. Default 8. */
  readonly dedicated?: number
  /** Number of this node among its peers, 0..255: the high 8 bits of its handles. Default 0. */
  readonly harbor?: number
  /** The cluster that this node is in, with a worker of its own. Default: none. */
  readonly cluster?: ClusterConfig
  /** Module of the first service. */
  readonly start: string
  /** What the first service is started with: message values. Default: nothing. */
  readonly args?: readonly unknown[]
  /** Log file. Default: standard output. */
  readonly logger?: string
  /**
   * Module of the service that logs, instead of ours. It is launched first, with `logger` and
   * `logFormat`, and registers `.logger`; see docs/config.md for what it must do.
   */
  readonly logservice?: string
  /** How our logger writes: `text`, or `json`, one object a line. Default `text`. */
  readonly logFormat?: LogFormat
  /**
   * Pid file: `skynet start` runs the node in the background and returns once it is up. Default:
   * none, in the foreground. A program that calls `startNode` makes no daemon.
   */
  readonly daemon?: string
  /** Folder for crash reports, made when it is needed. Default: none are written. */
  readonly crashFolder?: string
  /** Values that services read with `skynet.getenv`. */
  readonly env?: Readonly<Record<string, Scalar>>
  /** Deadline of a call that names none, in milliseconds. Default 0: none. */
  readonly callTimeoutMs?: number
  /** Measure from the beginning how long the code of each service takes: `cpuMs`. Default false. */
  readonly profile?: boolean
  /**
   * How long a handler may hold its worker before it is reported, in milliseconds. Default 5000;
   * 0: never reported.
   */
  readonly monitorMs?: number
  /**
   * What is done with the worker of such a handler: `keep` leaves it, `kill` ends it, with all its
   * services, and starts a new one in its place. Default `keep`.
   */
  readonly monitorAction?: 'keep' | 'kill'
  /** How long stop hooks may take, in milliseconds. Default 5000; 0: they are not run. */
  readonly graceMs?: number
  /**
   * How long the logger and the first service may take to be ready, in milliseconds; then the start
   * fails. Default 0: as long as they like.
   */
  readonly startMs?: number
  /** How long exit hooks may take, in milliseconds: those of a service, and of all at a stop. */
  readonly exitMs?: number
  /**
   * JavaScript heap of a worker in MiB, at least 16, beyond which it dies, with all its services,
   * and is replaced. Default 0: Node's own limit.
   */
  readonly memoryLimitMb?: number
  /** Folders where bare service names are looked up, in this order. Default: none. */
  readonly services?: readonly string[]
  /** Sockets: what holds where a socket is not told otherwise, and the thread that serves them. */
  readonly socket?: Partial<SocketConfig>
  /** Cores for the workers: the first gets the first, and so on, in turn. Default `[]`: any. */
  readonly cpus?: readonly number[]
}

interface Key<I, T> {
  readonly check: Check<I, T>
  /** The value when none is given; absent: one must be given. */
  readonly fallback?: () => T
  /** One line, for `skynet help`. */
  readonly help: string
}

type Given = Required<NodeConfig>

export const SOCKET_KEYS: { readonly [K in keyof SocketConfig]: Check<SocketConfig[K]> } = {
  sendLimitBytes: integer(...SETTING_RANGES.sendLimitBytes),
  sendPolicy: oneOf('close', 'drop-new', 'pause-producer'),
  sendWarningBytes: integer(...SETTING_RANGES.sendWarningBytes),
  readBytesMax: integer(...SETTING_RANGES.readBytesMax),
  lingerMs: integer(...SETTING_RANGES.lingerMs),
  idleTimeoutMs: integer(...SETTING_RANGES.idleTimeoutMs),
  receiveLimitBytes: integer(1, 1024 * 1024 * 1024),
  eventsPerWait: integer(1, 4096),
  cpus: cpus(),
}

const CLUSTER_PARTS = record<ClusterParts>(CLUSTER_KEYS, {}, ['name'])
/** Parts of it that do not go together are named by `wrongPart`. */
const CLUSTER_CHECK = {
  ...CLUSTER_PARTS,
  accepts: (value: unknown) => CLUSTER_PARTS.accepts(value) && wrongAmong(value) === undefined,
} as unknown as Check<ClusterConfig>

/** Every key. `skynet help`, `--set` and docs/config.md follow this table. */
export const CONFIG_KEYS: { readonly [K in keyof Given]: Key<Given[K], ResolvedConfig[K]> } = {
  start: { check: path(), help: 'module of the first service' },
  args: {
    check: values(),
    fallback: () => [],
    help: 'what the first service is started with',
  },
  thread: {
    check: integer(1, WORKERS_MAX),
    fallback: () => Math.min(availableParallelism(), WORKERS_MAX),
    help: 'worker threads that run services',
  },
  dedicated: {
    check: integer(0, DEDICATED_MAX),
    fallback: () => 8,
    help: 'services that may have a worker of their own at a time',
  },
  harbor: {
    check: integer(0, HARBOR_MAX),
    fallback: () => 0,
    help: 'number of this node among its peers',
  },
  cluster: {
    check: CLUSTER_CHECK,
    fallback: () => undefined,
    help: 'the cluster that this node is in (without it: none)',
  },
  logger: {
    check: path(),
    fallback: () => undefined,
    help: 'log file (without it: standard output)',
  },
  logservice: {
    check: path(),
    fallback: () => undefined,
    help: 'module of the service that logs (without it: ours)',
  },
  logFormat: {
    check: oneOf('text', 'json'),
    fallback: () => 'text',
    help: 'how our logger writes its lines',
  },
  daemon: {
    check: path(),
    fallback: () => undefined,
    help: 'pid file: run in the background (without it: in the foreground)',
  },
  crashFolder: {
    check: path(),
    fallback: () => undefined,
    help: 'folder for crash reports (without it: none)',
  },
  env: {
    check: scalars(),
    fallback: () => ({}),
    help: 'values that services read with skynet.getenv',
  },
  callTimeoutMs: {
    check: integer(0, TIMER_MS_MAX),
    fallback: () => 0,
    help: 'deadline of a call that names none (0: none)',
  },
  profile: {
    check: boolean(),
    fallback: () => false,
    help: 'measure how long the code of each service takes',
  },
  monitorMs: {
    check: integer(0, TIMER_MS_MAX),
    fallback: () => MONITOR_INTERVAL_MS,
    help: 'report a handler that holds its worker for so long (0: never)',
  },
  monitorAction: {
    check: oneOf('keep', 'kill'),
    fallback: () => 'keep',
    help: 'what is done with a worker that is reported',
  },
  graceMs: {
    check: integer(0, TIMER_MS_MAX),
    fallback: () => GRACE_MS,
    help: 'how long stop hooks may take (0: they are not run)',
  },
  startMs: {
    check: integer(0, TIMER_MS_MAX),
    fallback: () => 0,
    help: 'how long the first service may take to be ready (0: for ever)',
  },
  exitMs: {
    check: integer(1, TIMER_MS_MAX),
    fallback: () => EXIT_MS,
    help: 'how long exit hooks may take',
  },
  memoryLimitMb: {
    check: zeroOr(integer(MEMORY_LIMIT_MB_MIN, MEMORY_LIMIT_MB_MAX)),
    fallback: () => 0,
    help: 'heap of a worker in MiB, beyond which it is replaced (0: as Node has it)',
  },
  services: {
    check: folders(),
    fallback: () => [],
    help: 'folders where bare service names are looked up',
  },
  socket: {
    check: record(SOCKET_KEYS, SOCKET_DEFAULTS),
    fallback: () => SOCKET_DEFAULTS,
    help: 'limits and timeouts of sockets, tuning of their thread',
  },
  cpus: {
    check: cpus(),
    fallback: () => [],
    help: 'cores for the workers, in turn (none: any)',
  },
}

/** Keys that have keys. */
const PARTS: Readonly<Record<string, Readonly<Record<string, Check<unknown>>>>> = {
  socket: SOCKET_KEYS as Readonly<Record<string, Check<unknown>>>,
  cluster: CLUSTER_KEYS as Readonly<Record<string, Check<unknown>>>,
}
const EXTENSIONS = ['.ts', '.js', '.mjs', '.json']
const VALUE_TEXT_MAX = 80

/** Gives a config file its types, and changes nothing. */
export function defineConfig(config: NodeConfig): NodeConfig {
  return config
}

/**
 * Read and check a config file.
 *
 * @param file `.ts`, `.js` or `.mjs` with a default export, or `.json`.
 * @param overrides `key=value`, as `--set` takes them; `env.NAME=value` sets one variable. The last
 * one wins, and all win over the file.
 * @throws {SkynetError} `ERR_CONFIG_FILE`, `ERR_CONFIG_KEY`, `ERR_CONFIG_VALUE`
 */
export async function loadConfig(
  file: string,
  overrides: readonly string[] = [],
): Promise<ResolvedConfig> {
  const absolute = resolve(file)
  const given = await readConfig(absolute)
  for (const override of overrides) applyOverride(given, override)
  return resolveConfig(given as unknown as NodeConfig, dirname(absolute))
}

/**
 * Check a config that did not come from a file, and complete it.
 *
 * @param folder Where relative paths start: a path. Default: the current folder.
 * @throws {SkynetError} `ERR_CONFIG_KEY`, `ERR_CONFIG_VALUE`
 */
export function resolveConfig(given: NodeConfig, folder: string = process.cwd()): ResolvedConfig {
  if (!isRecord(given)) throw refusal('type', 'resolve a config', 'given', 'an object', given)
  checkText('resolve a config', 'folder', folder)
  if (folder.startsWith('file:')) {
    throw refusal('value', 'resolve a config', 'folder', 'a path, no URL', folder)
  }
  for (const key of Object.keys(given)) keyNamed(key)
  const resolved: Record<string, unknown> = { budgets: BUDGETS }
  for (const key of Object.keys(CONFIG_KEYS)) {
    const { check, fallback } = keyNamed(key)
    const value = (given as unknown as Record<string, unknown>)[key]
    if (value === undefined && fallback !== undefined) resolved[key] = fallback()
    else if (check.accepts(value)) resolved[key] = check.resolve(value, folder)
    else if (Object.hasOwn(PARTS, key) && isRecord(value)) throw wrongPart(key, value)
    else throw wrongValue(key, check.expected, value)
    const unusable = check.unusable?.(resolved[key])
    if (unusable !== undefined) throw wrongValue(key, check.expected, unusable)
  }
  // The service of the cluster has one that nobody else takes.
  if (resolved.cluster !== undefined) resolved.dedicated = (resolved.dedicated as number) + 1
  return resolved as unknown as ResolvedConfig
}

/** @returns A copy of what the file holds: overrides may change it. */
async function readConfig(file: string): Promise<Record<string, unknown>> {
  const fail = (reason: string, cause?: unknown) =>
    new SkynetError('ERR_CONFIG_FILE', { file, reason }, { cause })
  const extension = extname(file)
  if (!EXTENSIONS.includes(extension)) {
    throw fail(`its name must end in ${EXTENSIONS.join(', ')}`)
  }
  const found = await stat(file).catch((cause) => {
    throw fail(cause.code === 'ENOENT' ? 'no such file' : cause.code, cause)
  })
  if (!found.isFile()) throw fail('not a file')
  let config: unknown
  try {
    if (extension === '.json') config = parseJson(await readFile(file, 'utf8'))
    else {
      const module = await settled(importModule(pathToFileURL(file)), 'its top-level await')
      config = await settled(Promise.resolve(module.default), 'the promise that it exports')
    }
  } catch (cause) {
    throw fail(firstLine(cause), cause)
  }
  if (config === undefined) throw fail('it has no default export')
  if (!isRecord(config)) throw fail(`it must hold an object: current value is ${show(config)}`)
  return { ...config }
}

/** Some editors begin a file with a byte-order mark, which nobody sees. */
const parseJson = (text: string): unknown => JSON.parse(text.replace(/^\ufeff/, ''))

/** Rejects when the process would end because what the module waits for never comes. */
async function settled<T>(loading: Promise<T>, what: string): Promise<T> {
  let onIdle = (): void => {}
  const never = new Promise<never>((_, reject) => {
    onIdle = () => reject(new Error(`${what} never ends`))
  })
  process.once('beforeExit', onIdle)
  try {
    return await Promise.race([loading, never])
  } finally {
    process.off('beforeExit', onIdle)
  }
}

function firstLine(error: unknown): string {
  return isError(error) ? messageOf(error).split('\n', 1)[0]! : show(error)
}

function applyOverride(config: Record<string, unknown>, override: string): void {
  const at = override.indexOf('=')
  if (at <= 0) throw wrongValue('--set', 'key=value', override)
  const name = override.slice(0, at)
  const text = override.slice(at + 1)
  const [whole] = name.split('.', 1) as [string]
  if (Object.hasOwn(PARTS, whole) && name !== whole) {
    const part = name.slice(whole.length + 1)
    const value = partOf(whole, part).parse(text)
    config[whole] = { ...(config[whole] as object | undefined), [part]: value }
    return
  }
  if (!name.startsWith('env.')) {
    config[name] = keyNamed(name).check.parse(text)
    return
  }
  const variable = name.slice('env.'.length)
  if (variable === '') throw wrongValue('--set', 'env.NAME=value', override)
  // An `env` that is no object stays as it is, for the check to refuse.
  const { env = {} } = config
  if (!isRecord(env)) return
  config.env = { ...env, [variable]: asTypeOf(env[variable], text, name) }
}

/** A variable keeps the type that it has in the file. A new one is text. */
function asTypeOf(known: unknown, text: string, name: string): Scalar {
  if (typeof known === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true'
    throw wrongValue(name, 'true or false, as in the file', text)
  }
  if (typeof known === 'number') {
    const number = text.trim() === '' ? Number.NaN : Number(text)
    if (Number.isFinite(number)) return number
    throw wrongValue(name, 'a number, as in the file', text)
  }
  return text
}

/** @throws {SkynetError} `ERR_CONFIG_KEY` with a guess at what was meant */
function keyNamed(key: string): Key<unknown, unknown> {
  if (Object.hasOwn(CONFIG_KEYS, key)) {
    return CONFIG_KEYS[key as keyof Given] as Key<unknown, unknown>
  }
  const names = Object.keys(CONFIG_KEYS)
  // Of `evn.DEBUG` it is the first part.
  const hint = guess(key.split('.', 1)[0]!, names)
  throw new SkynetError('ERR_CONFIG_KEY', { key, known: names.join(', ') + hint })
}

/** @throws {SkynetError} `ERR_CONFIG_KEY` */
function partOf(whole: string, part: string): Check<unknown> {
  const parts = PARTS[whole]!
  if (Object.hasOwn(parts, part)) return parts[part]!
  const names = Object.keys(parts).map((each) => `${whole}.${each}`)
  const key = `${whole}.${part}`
  throw new SkynetError('ERR_CONFIG_KEY', { key, known: names.join(', ') + guess(key, names) })
}

/** What is wrong with the first wrong part, or the first that is missing. */
function wrongPart(whole: string, given: Record<string, unknown>): SkynetError {
  const isRight = ([part, value]: [string, unknown]): boolean =>
    value === undefined || partOf(whole, part).accepts(value)
  const wrong = Object.entries(given).find((each) => !isRight(each))
  if (wrong === undefined && given.name !== undefined) {
    const [part, expected] = wrongAmong(given as ClusterParts)!
    return wrongValue(`${whole}.${part}`, expected, given[part], showOf(part))
  }
  const missing: [string, unknown] = ['name', undefined]
  const [part, value] = wrong ?? missing
  return wrongValue(`${whole}.${part}`, partOf(whole, part).expected, value, showOf(part))
}

/** Nobody wants to read a secret in a log. */
const showOf = (part: string) => (part === 'secret' || part === 'tls' ? showHidden : show)

function showHidden(value: unknown): string {
  if (!isRecord(value)) return hidden(value)
  const parts = Object.entries(value).map(([name, part]) => `${name} (${hidden(part)})`)
  return `an object of ${parts.join(', ') || 'nothing'}`
}

function wrongValue(key: string, expected: string, value: unknown, as = show): SkynetError {
  return new SkynetError('ERR_CONFIG_VALUE', { key, expected, value: as(value) })
}

function show(value: unknown): string {
  const text = inspected(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    maxArrayLength: 5,
    maxStringLength: VALUE_TEXT_MAX,
  })
  return text.length <= VALUE_TEXT_MAX ? text : `${text.slice(0, VALUE_TEXT_MAX - 1)}…`
}
