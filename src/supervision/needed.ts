/**
 * Services that nobody may end but the node: it launches them again only when they went with their
 * worker. Skynet lets them be killed, and goes on without.
 */
import { SkynetError } from '../base/errors.ts'
import { type Names, NODE_NAMES } from '../kernel/names.ts'
import { isBuiltin } from '../modules/modules.ts'

/** @throws {SkynetError} `ERR_SERVICE_NEEDED`. */
export function checkNotNeeded({ names }: { readonly names: Names }, handle: number): void {
  if (handle === 0) return
  const name = NODE_NAMES.find((each) => names.query(each) === handle)
  if (name !== undefined) throw new SkynetError('ERR_SERVICE_NEEDED', { name })
}

/**
 * The names of those services are theirs, also while they are launched again.
 *
 * @param url Of the service that registers a name.
 * @param isLogservice Is the service of that URL the one that the user has log instead of ours?
 * @throws {SkynetError} `ERR_NAME_TAKEN`.
 */
export function checkMayRegister(
  name: string,
  url: string,
  isLogservice: (url: string) => boolean,
): void {
  if (!NODE_NAMES.includes(name) || isBuiltin(url)) return
  const isLogger = name === '.logger' && isLogservice(url)
  if (!isLogger) throw new SkynetError('ERR_NAME_TAKEN', { name })
}
