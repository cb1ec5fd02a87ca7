/**
 * What a service may ask of its runtime: the commands of Skynet's contexts, under their names. The
 * API and the console go through this table; docs/commands.md shows it.
 */
import {
  checkChoice,
  checkFunction,
  checkInteger,
  checkString,
  checkText,
  refusal,
} from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { shortPath } from '../base/paths.ts'
import { checkStack } from '../base/room.ts'
import type { EnvValue } from '../kernel/env.ts'
import type { Timer } from '../kernel/timer.ts'
import { type LaunchOptions, launchLimits } from './launch.ts'
import { resolveService } from './modules.ts'
import { checkMayRegister, checkNotNeeded } from './needed.ts'
import { choose } from './placement.ts'
import type { Service } from './service.ts'
import { Waiter, type WaitFor } from './wait.ts'
import { checkWait, limitsFrom, type WaitLimits, type WaitOptions } from './wait-options.ts'
import { askHome, type LaunchOrder, orderOf, type WorkerOrder } from './worker-order.ts'

export type StatName = 'mqlen' | 'message' | 'task' | 'cpu' | 'time' | 'endless'

/** What STAT knows of a service. */
export const STATS: { readonly [K in StatName]: (service: Service) => number } = {
  /** Messages in its mailbox. */
  mqlen: (service) => service.context.mailbox?.length ?? 0,
  /** Messages handled so far. */
  message: (service) => service.context.handled,
  /** Rows of `tasks()`. */
  task: (service) => service.taskCount,
  /** Milliseconds that its code has held the worker; 0 while nobody measures. */
  cpu: (service) => service.profile?.ms ?? 0,
  /** Milliseconds since the code began that runs now; 0 while nobody measures. */
  time: (service) => service.profile?.current ?? 0,
  /** 1: since this was asked last it was reported to hold its worker for `monitorMs`; else 0. */
  endless: ({ handle, runtime }) => (runtime.options.handles.takeEndless(handle) ? 1 : 0),
}

type Address = number | string

/** Room for the end of a service: half done, it would leave its sockets, and who waits for it. */
const END_FRAMES = 500

interface Command<Args extends readonly unknown[], R> {
  /** What it is called in `skynet.`. */
  readonly api: string
  readonly help: string
  readonly run: (service: Service, ...args: Args) => R
}

const command = <Args extends readonly unknown[], R>(
  api: string,
  help: string,
  run: (service: Service, ...args: Args) => R,
): Command<Args, R> => ({ api, help, run })

export const COMMANDS = {
  TIMEOUT: command('timeout', 'run a task after some ms', timeout),
  REG: command('register', 'take a local name', (service, text: string): void =>
    name(service, text, service.handle),
  ),
  QUERY: command('localName', 'the handle of a local name', query),
  NAME: command('name', 'give a service a local name', name),
  EXIT: command('exit', 'end this service', exit),
  KILL: command('kill', 'end a service', kill),
  LAUNCH: command('newService', 'launch a service', launch),
  GETENV: command('getenv', 'a variable of the node', getenv),
  SETENV: command('setenv', 'set a variable of the node, once', setenv),
  STARTTIME: command('startTime', 'when the node started, ms since 1970', startTime),
  NOW: command('now', 'ms since the node started', ({ runtime }): number => runtime.now),
  ABORT: command('abort', 'stop the node', ({ runtime }): void => runtime.options.onAbort()),
  STAT: command('stat', `a count of this service: ${Object.keys(STATS).join(', ')}`, stat),
  LOGON: command('logOn', 'log the messages of a service to a file', logOn),
  LOGOFF: command('logOff', 'no longer', logOff),
  SIGNAL: command('signal', 'tell a service a number', signal),
} as const

function timeout(service: Service, ms: number, task: () => unknown): Timer {
  checkFunction('set a timeout', 'task', task)
  return service.timeout(ms, task)
}

function query({ runtime }: Service, name: string): number | undefined {
  checkString('look up', 'name', name)
  const handle = runtime.options.names.query(name)
  return handle === 0 ? undefined : handle
}

function name({ runtime, url }: Service, text: string, address: Address): void {
  checkString('register', 'name', text)
  checkMayRegister(runtime, text, url)
  runtime.options.names.register(text, runtime.knownHandle(address))
  if (text === '.logger') runtime.options.ledger.settleHere()
}

function exit(service: Service): never {
  checkStack(END_FRAMES)
  void service.end('exit')
  throw service.exited()
}

async function kill(service: Service, address: Address, options?: WaitOptions): Promise<boolean> {
  const handle = service.runtime.handleOf(address)
  checkNotNeeded(service.runtime, handle)
  if (handle !== service.handle) return order(service, { order: 'kill', handle }, options)
  checkWait('kill', options)
  checkStack(END_FRAMES)
  await service.end('kill')
  return true
}

/** Ask the worker on which a service lives for something. False: there is no such service. */
async function order(
  service: Service,
  what: WorkerOrder & { readonly handle: number },
  options: WaitOptions | undefined,
): Promise<boolean> {
  checkWait(what.order, options)
  if (service.runtime.options.handles.workerOf(what.handle) < 0) return false
  return askHome(service, what, options).catch((error: unknown) => {
    if (!isSkynetError(error, 'ERR_CALL_DEAD')) throw error
    // Without a cause it had ended before the order could be sent.
    if (error.cause === undefined) return false
    // Whose end was ordered was there, and went with its worker.
    if (what.order === 'kill') return true
    throw error
  }) as Promise<boolean>
}

/** What a launch is, beside what its author asked for. */
interface LaunchAs {
  readonly isChild?: boolean
  readonly limits?: WaitLimits | undefined
}

async function launch(
  service: Service,
  path: string | URL,
  options: LaunchOptions<readonly unknown[]>,
  { isChild = false, limits = launchLimits(options) }: LaunchAs = {},
): Promise<number> {
  if (service.hasEnded) throw service.exited()
  const { loads, worker, folders } = service.runtime.options
  const url = resolveService(path, service.url, folders)
  const { args = [], onFault = 'log', on = 'least-loaded' } = options
  const order = { url, args, onFault, isChild }
  if (on !== 'dedicated') return launchOn(service, choose(on, loads, worker), order, limits)
  const left = limitsFrom(service.runtime, limits)
  const home = await workerFor(service, url, options.memoryLimitMb ?? 0, left())
  try {
    return await launchOn(service, home, order, left())
  } catch (error) {
    const { onVacant } = service.runtime.options
    if (loads.of(home) === 0) onVacant(home, [])
    throw error
  }
}

async function launchOn(
  service: Service,
  home: number,
  {
    url,
    args,
    onFault,
    isChild,
  }: Pick<Required<LaunchOrder>, 'url' | 'args' | 'onFault' | 'isChild'>,
  limits: WaitLimits,
): Promise<number> {
  const place = service.runtime.options.loads.add(home)
  const { setups } = service
  const order = { order: 'launch', url, args, place, onFault } as const
  // The order is copied: hardly any has more.
  const isPlain = !isChild && setups.length === 0
  const what: LaunchOrder = isPlain ? order : { ...order, isChild, setups }
  try {
    return (await orderOf(service, place, what, shortPath(url), limits)) as number
  } catch (error) {
    throw isSkynetError(error, 'ERR_CALL_DEAD') ? launchLost(url, error) : error
  }
}

/** A worker of its own. One that comes when nobody waits for it any more ends. */
async function workerFor(
  service: Service,
  url: string,
  memoryLimitMb: number,
  limits: WaitLimits,
): Promise<number> {
  const path = shortPath(url)
  const about: WaitFor = {
    kind: 'wait',
    what: `a worker for ${path}`,
    late: (timeoutMs) => {
      const info = { to: 'a worker of its own', method: path, timeoutMs }
      return new SkynetError('ERR_CALL_TIMEOUT', info)
    },
  }
  const waiter = new Waiter<number>(service, about, limits)
  const { dedicate, onVacant } = service.runtime.options
  if (!waiter.isOver) {
    dedicate(url, memoryLimitMb).then(
      (home) => (waiter.isOver ? onVacant(home, []) : waiter.resolve(home)),
      (error: unknown) => waiter.reject(error),
    )
  }
  return waiter.promise
}

function launchLost(url: string, cause: unknown): Error {
  const info = { path: shortPath(url), reason: 'its worker died' }
  return new SkynetError('ERR_SERVICE_LAUNCH', info, { cause })
}

function getenv({ runtime }: Service, key: string): EnvValue | undefined {
  checkString('read a variable', 'key', key)
  return runtime.options.env.get(key)
}

function setenv({ runtime }: Service, key: string, value: EnvValue): void {
  checkText('set a variable', 'key', key)
  const isOdd = typeof value === 'number' && !Number.isFinite(value)
  if (isOdd || !['string', 'number', 'boolean'].includes(typeof value)) {
    const expected = 'a string, a finite number or a boolean'
    throw refusal(isOdd ? 'range' : 'type', 'set a variable', 'value', expected, value)
  }
  runtime.options.env.set(key, value)
}

function startTime({ runtime }: Service): number {
  return runtime.options.startedAt
}

function stat(service: Service, what: StatName): number {
  checkChoice('count', 'what', what, Object.keys(STATS))
  return STATS[what](service)
}

async function logOn(service: Service, address: Address, options?: WaitOptions): Promise<boolean> {
  const handle = service.runtime.handleOf(address)
  return order(service, { order: 'logOn', handle }, options)
}

async function logOff(service: Service, address: Address, options?: WaitOptions): Promise<boolean> {
  const handle = service.runtime.handleOf(address)
  return order(service, { order: 'logOff', handle }, options)
}

async function signal(
  service: Service,
  address: Address,
  number: number,
  options?: WaitOptions,
): Promise<boolean> {
  checkInteger('signal', 'number', number, 0, 0x7fffffff)
  const handle = service.runtime.handleOf(address)
  return order(service, { order: 'signal', handle, number }, options)
}
