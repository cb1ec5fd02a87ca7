/** The file of a Unix listener: bind(2) makes it, and the kernel never removes it. */
import { ERRNO } from '../os/errno.ts'
import type { AnyAddress, ListenFlags, Os, UnixAddress } from '../os/os.ts'

/**
 * Listen. The file of a Unix socket whose server has died is in the way of the next, and removed:
 * one that no socket of the system is bound to any more. Whatever else is there stays.
 *
 * @returns The descriptor, or a negative errno.
 */
export function listenAt(os: Os, address: AnyAddress, flags: ListenFlags): number {
  const fd = os.listen(address, flags)
  if (fd !== -ERRNO.EADDRINUSE || address.family !== 'unix') return fd
  const found = SocketFile.at(os, address)
  if (found === undefined || !isDead(os, address)) return fd
  found.remove()
  return os.listen(address, flags)
}

/**
 * A datagram socket asks: it finds whoever is bound there, of another type (EPROTOTYPE) too. A
 * stream socket would take one that does not listen yet for a dead one.
 */
function isDead(os: Os, address: UnixAddress): boolean {
  const probe = os.datagram('unix')
  if (probe < 0) return false
  const result = os.connect(probe, address)
  os.close(probe)
  return result === -ERRNO.ECONNREFUSED
}

export class SocketFile {
  readonly #os: Os
  readonly #path: string
  readonly #file: string

  constructor(os: Os, path: string, file: string) {
    this.#os = os
    this.#path = path
    this.#file = file
  }

  /** Undefined where there is none: of an IP address, of a name without a file. */
  static at(os: Os, address: AnyAddress): SocketFile | undefined {
    if (address.family !== 'unix') return undefined
    const file = os.socketFile(address.path)
    return file === undefined ? undefined : new SocketFile(os, address.path, file)
  }

  /**
   * Remove it, unless something else is at its path by now. Before its socket is closed: the
   * number of the file may name another after that.
   */
  remove(): void {
    if (this.#os.socketFile(this.#path) === this.#file) this.#os.unlink(this.#path)
  }
}
