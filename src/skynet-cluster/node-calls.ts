/** What a service asks of another node: packed here, on its own worker, and so are the answers. */
import { checkFlag, checkInteger, checkMs, checkOptions, refusal } from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { SKYNETCLUSTER_CALL_MS, SKYNETCLUSTER_MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { messageOf } from '../base/thrown.ts'
import { type LuaValue, unpackValues } from '../codec/seri/reader.ts'
import { packValues } from '../codec/seri/writer.ts'
import { checkWait, limitsFrom, type WaitOptions } from '../service/wait-options.ts'
import { targetText } from './asked.ts'
import type { ClusterDoor } from './cluster-door.ts'
import { TARGET_BYTES_MAX, type Target } from './request-frames.ts'

/** How a service asks. */
export interface CallSettings {
  /** How long a call may take, in milliseconds from 1. Default 10 s. */
  readonly timeoutMs?: number
  /** Whole floats of Lua, as 1.0, come as `LuaFloat`, not as the number 1. Default false. */
  readonly keepFloats?: boolean
}

const TARGET = 'a handle, or a name with @, . or : in front, of at most 255 bytes'

/** @throws `TypeError`, `RangeError` unless it may be asked for. */
export function checkRemote(what: string, target: unknown): void {
  if (typeof target === 'number') {
    checkInteger(what, 'address', target, 1, 0xffffffff)
    return
  }
  if (typeof target !== 'string') throw refusal('type', what, 'address', TARGET, target)
  const bytes = Buffer.byteLength(target)
  // Skynet never answers one that has nothing in front.
  if (/^[@.:]./s.test(target) && bytes <= TARGET_BYTES_MAX) return
  throw refusal(bytes > TARGET_BYTES_MAX ? 'range' : 'value', what, 'address', TARGET, target)
}

/** @throws `TypeError`, `RangeError`. */
export function checkDeadline(what: string, options: WaitOptions): void {
  if (options === undefined) throw refusal('type', what, 'options', 'a plain object', options)
  checkWait(what, options)
  const { timeoutMs } = options
  // Nobody says whether a node will ever answer.
  if (timeoutMs !== undefined) checkMs(what, 'timeoutMs', timeoutMs, 1)
}

/** @throws `TypeError`, `RangeError`. */
export function checkCallSettings(what: string, settings: object, others: readonly string[]): void {
  checkOptions(what, 'options', settings, ['timeoutMs', 'keepFloats', ...others])
  const { timeoutMs, keepFloats } = settings as CallSettings
  if (timeoutMs !== undefined) checkMs(what, 'timeoutMs', timeoutMs, 1)
  checkFlag(what, 'keepFloats', keepFloats)
}

export class NodeCalls {
  readonly #door: ClusterDoor
  readonly #clock: { readonly now: number }
  readonly #timeoutMs: number
  readonly #keepFloats: boolean
  readonly #complain: (text: string) => void

  constructor(
    door: ClusterDoor,
    clock: { readonly now: number },
    { timeoutMs = SKYNETCLUSTER_CALL_MS, keepFloats = false }: CallSettings,
    complain: (text: string) => void,
  ) {
    this.#door = door
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#keepFloats = keepFloats
    this.#complain = complain
  }

  /** All values of the answer. Errors as `SkynetCluster.call`. */
  async request(
    node: string,
    target: Target,
    values: readonly unknown[],
    options: WaitOptions = {},
  ): Promise<LuaValue[]> {
    const message = packed(values)
    const { timeoutMs = this.#timeoutMs, signal } = options
    const left = limitsFrom(this.#clock, { timeoutMs, signal })
    const to = targetText(target)
    let answer: Uint8Array | Error
    try {
      answer = await this.#door.ask('request', [node, target, message], left, `${to} on ${node}`)
    } catch (error) {
      throw asRemote(error, node, to)
    }
    if (answer instanceof Error) throw answer
    try {
      return unpackValues(answer, this.#keepFloats)
    } catch (cause) {
      const info = { node, to, reason: messageOf(cause), sent: 'maybe' } as const
      throw new SkynetError('ERR_SKYNETCLUSTER_ANSWER', info, { cause })
    }
  }

  /** @throws What is wrong with the values. */
  push(node: string, target: Target, values: readonly unknown[]): void {
    this.#door.tell('push', [node, target, packed(values)], (error) => {
      this.#complain(`cluster: a push to ${targetText(target)} is lost: ${messageOf(error)}`)
    })
  }

  /** Resolves once there is a connection to that node. Errors as `SkynetCluster.call`. */
  async connect(node: string, options: WaitOptions = {}): Promise<void> {
    const { timeoutMs = this.#timeoutMs, signal } = options
    const left = limitsFrom(this.#clock, { timeoutMs, signal })
    let failure: Error | undefined
    try {
      failure = await this.#door.ask('connect', [node], left, `a connection to ${node}`)
    } catch (error) {
      throw asRemote(error, node, 'it')
    }
    if (failure !== undefined) throw failure
  }
}

/** @throws {SkynetError} `ERR_MESSAGE_TOO_LARGE`, `ERR_MESSAGE_UNSUPPORTED`, `…_TOO_DEEP`. */
function packed(values: readonly unknown[]): Buffer {
  const message = packValues(values)
  const limit = SKYNETCLUSTER_MESSAGE_BYTES_MAX
  if (message.length <= limit) return message
  throw new SkynetError('ERR_MESSAGE_TOO_LARGE', { bytes: message.length, limit })
}

/** What came of asking `clusterd`, as an error of the node that was to answer. */
function asRemote(error: unknown, node: string, to: string): unknown {
  const options = { cause: error }
  if (isSkynetError(error, 'ERR_CALL_TIMEOUT')) {
    const { timeoutMs } = error.info
    const info = { node, to, timeoutMs, sent: 'maybe' } as const
    return new SkynetError('ERR_SKYNETCLUSTER_TIMEOUT', info, options)
  }
  if (!isSkynetError(error, 'ERR_CALL_DEAD')) return error
  const info = { node, to, reason: 'clusterd of this node has ended', sent: 'maybe' } as const
  return new SkynetError('ERR_SKYNETCLUSTER_LOST', info, options)
}

/** @throws {SkynetError} `ERR_SKYNETCLUSTER_ANSWER` Unless it is the handle of a service. */
export function checkAnsweredHandle(value: unknown, node: string, to: string): number {
  const isHandle = Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 32
  if (isHandle) return value as number
  const info = { node, to, reason: 'it is no handle', sent: 'maybe' } as const
  throw new SkynetError('ERR_SKYNETCLUSTER_ANSWER', info)
}
