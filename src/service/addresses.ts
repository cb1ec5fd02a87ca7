/** How services are addressed: by handle, by its text, by a local name, or by a reference. */
import { checkInteger, isA, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import type { Names } from '../kernel/names.ts'
import { ServiceRef } from './ref.ts'

/** Handle, its text (`:0000000a`), local name (`.lobby`), or reference of a service. */
export type Address = number | string | ServiceRef

export class Addresses {
  readonly #names: Names

  constructor(names: Names) {
    this.#names = names
  }

  /** 0: no service has that name now. */
  handleOf(address: Address): number {
    if (typeof address === 'number') {
      checkInteger('find a service', 'address', address, 0, 0xffffffff)
      return address
    }
    if (isA(address, ServiceRef)) return this.handleOf(address.target)
    if (typeof address !== 'string' || address === '') {
      const wrong = address === '' ? 'value' : 'type'
      const expected = 'a handle, a name or a reference of a service'
      throw refusal(wrong, 'find a service', 'address', expected, address)
    }
    if (!address.startsWith(':')) return this.#names.query(address)
    const handle = Number.parseInt(address.slice(1), 16)
    return Number.isNaN(handle) ? 0 : handle >>> 0
  }

  /** As `handleOf`. @throws {SkynetError} `ERR_NAME_UNKNOWN`. */
  knownHandle(address: Address): number {
    const handle = this.handleOf(address)
    if (handle === 0) throw new SkynetError('ERR_NAME_UNKNOWN', { name: String(address) })
    return handle
  }
}
