/** The client of NATS, a package that users install. Loaded by who opens a connection. */
import { createRequire } from 'node:module'
import { SkynetError } from '../../base/errors.ts'

export type Library = typeof import('@nats-io/transport-node')

const NAME = '@nats-io/transport-node'
/** The newest that wants no newer Node.js than we do. */
const TO_INSTALL = `${NAME}@3.3.1`

/** @throws {SkynetError} `ERR_PACKAGE_MISSING` */
export function library(): Library {
  try {
    return createRequire(import.meta.url)(NAME) as Library
  } catch (cause) {
    throw new SkynetError(
      'ERR_PACKAGE_MISSING',
      { door: 'skynet-ts/cluster-nats', name: TO_INSTALL },
      { cause },
    )
  }
}
