/** How services are addressed: by handle, by its text, or by a local name. */
import { checkInteger, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import type { Names } from '../kernel/names.ts'

export type Address = number | string

export class Addresses {
  readonly #names: Names

  constructor(names: Names) {
    this.#names = names
  }

  /** Handle of `:0000000a`, `.name` or a number; 0 when there is no such name. */
  handleOf(address: Address): number {
    if (typeof address === 'number') {
      checkInteger('find a service', 'address', address, 0, 0xffffffff)
      return address
    }
    if (typeof address !== 'string' || address === '') {
      const wrong = address === '' ? 'value' : 'type'
      throw refusal(wrong, 'find a service', 'address', 'a string, not empty, or a number', address)
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
