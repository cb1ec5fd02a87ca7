/** What happened so far, and waiting for what is still to come. */
import { checkFunction, checkMs, checkOptions } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import { kept } from '../service/scope.ts'

/** For what must happen, however slow the machine is; nothing that works waits so long. */
const WAIT_MS_DEFAULT = 10_000

export interface FindOptions {
  /** How long to wait, by the clock on the wall. Default 10 s. */
  readonly timeoutMs?: number
}

export class Probe<T> {
  /** Everything so far, in order. */
  readonly all: T[] = []
  readonly #lookers = new Set<(item: T) => void>()

  /** @internal */
  add(item: T): void {
    this.all.push(item)
    for (const look of this.#lookers) look(item)
  }

  /**
   * The first item that `test` is true of: one there was already, or else the next that comes.
   *
   * @throws {SkynetError} `ERR_TEST_TIMEOUT` none has come in time.
   */
  find(test: (item: T) => boolean, options: FindOptions = {}): Promise<T> {
    checkFunction('find', 'test', test)
    checkOptions('find', 'options', options, ['timeoutMs'])
    const { timeoutMs = WAIT_MS_DEFAULT } = options
    checkMs('find', 'timeoutMs', timeoutMs)
    const known = this.all.find(test)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve, reject) => {
      const look = kept((item: T): void => {
        if (!test(item)) return
        end()
        resolve(item)
      })
      const timer = setTimeout(() => {
        end()
        const what = `find what ${test} asks for`
        const reason = `${this.all.length} others came`
        reject(new SkynetError('ERR_TEST_TIMEOUT', { what, timeoutMs, reason }))
      }, timeoutMs)
      const end = (): void => {
        clearTimeout(timer)
        this.#lookers.delete(look)
      }
      this.#lookers.add(look)
    })
  }
}
