/**
 * Services that nobody may end but the node: it launches them again only when they went with their
 * worker. Skynet lets them be killed, and goes on without.
 */
import { SkynetError } from '../base/errors.ts'
import type { Runtime } from './runtime.ts'

const NEEDED = ['.service', '.logger'] as const

/** @throws {SkynetError} `ERR_SERVICE_NEEDED`. */
export function checkNotNeeded({ options }: Runtime, handle: number): void {
  if (handle === 0) return
  const name = NEEDED.find((each) => options.names.query(each) === handle)
  if (name !== undefined) throw new SkynetError('ERR_SERVICE_NEEDED', { name })
}
