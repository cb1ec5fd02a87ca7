/** Starting a node. Runs on the main thread. */
import { checkInteger, checkOptions, checkSignal, isArray, isObject } from '../../base/check.ts'
import { abortError } from '../../base/errors.ts'
import { WORKERS_MAX } from '../../base/limits.ts'
import { letNoOutputWait } from '../../base/output.ts'
import { freeLargeBlocks } from '../../os/large-blocks.ts'
import { posixOs } from '../../os/posix.ts'
import { copy } from '../../wire/copy.ts'
import type { ResolvedConfig } from '../options.ts'
import { assembleNode } from './assembly.ts'
import { checkRoom } from './maps.ts'
import { type Node, runningNode } from './running-node.ts'

/**
 * Start a node and wait until its first service has been launched.
 *
 * @throws {SkynetError} `ERR_PLATFORM` no foreign functions here; `ERR_SYSCALL` the system has no
 * room for so many workers; `ERR_SERVICE_LAUNCH` the first service failed: see `cause`. Nothing of
 * the node is left then. `ABORT_ERR` when `signal` aborted meanwhile; later it stops the node. When
 * a service aborts it meanwhile it resolves, and ends.
 */
export async function startNode(
  config: ResolvedConfig,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Node> {
  checkOptions('start a node', 'options', options, ['signal'])
  const { signal } = options
  checkSignal('start a node', signal)
  // A worker would get them without a word as something else.
  const args = copy(checkConfig(config).args, 'args') as readonly unknown[]
  if (signal?.aborted) throw abortError(signal)
  freeLargeBlocks()
  const os = posixOs()
  letNoOutputWait(os)
  const parts = assembleNode({ ...config, args }, os)
  const { state, end } = parts
  const node = runningNode(config, parts)
  const stop = (): void => void node.stop()
  signal?.addEventListener('abort', stop, { once: true })
  // A signal may outlive many nodes.
  void end.exited.then(() => signal?.removeEventListener('abort', stop))
  try {
    await parts.launch()
  } catch (error) {
    // A service that aborts while it begins has done what it wanted: the node ends, nothing failed.
    if (state.name === 'aborting' && !signal?.aborted) return node
    await node.stop({ graceMs: 0 })
    // Aborted is what could be stopped in good order.
    if (signal?.aborted && (await end.exited) === 0) throw abortError(signal)
    // What the death of a thread has led to says less than the death.
    throw end.fault ?? error
  }
  return node
}

/** For callers without types: what `resolveConfig` makes has all of these. */
function checkConfig(config: ResolvedConfig): ResolvedConfig {
  const isComplete = isObject(config) && isArray(config.args)
  if (!isComplete || typeof config.start !== 'string' || !Number.isInteger(config.harbor)) {
    const text =
      'Cannot start a node as its config is not complete: use resolveConfig or loadConfig'
    throw Object.assign(new TypeError(text), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  checkInteger('start a node', 'thread', config.thread, 1, WORKERS_MAX)
  checkRoom(config.thread)
  return config
}
