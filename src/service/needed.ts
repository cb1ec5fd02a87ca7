/**
 * Services that nobody may end but the node: it launches them again only when they went with their
 * worker. Skynet lets them be killed, and goes on without.
 */
import { SkynetError } from '../base/errors.ts'
import { NODE_NAMES } from '../kernel/names.ts'
import { isBuiltin } from './modules.ts'
import type { Runtime } from './runtime.ts'

/** @throws {SkynetError} `ERR_SERVICE_NEEDED`. */
export function checkNotNeeded({ options }: Runtime, handle: number): void {
  if (handle === 0) return
  const name = NODE_NAMES.find((each) => options.names.query(each) === handle)
  if (name !== undefined) throw new SkynetError('ERR_SERVICE_NEEDED', { name })
}

/**
 * The names of those services are theirs, also while they are launched again.
 *
 * @param url Of the service that registers a name.
 * @throws {SkynetError} `ERR_NAME_TAKEN`.
 */
export function checkMayRegister({ options }: Runtime, name: string, url: string): void {
  if (!NODE_NAMES.includes(name) || isBuiltin(url)) return
  const isLogger = name === '.logger' && options.isLogservice(url)
  if (!isLogger) throw new SkynetError('ERR_NAME_TAKEN', { name })
}
