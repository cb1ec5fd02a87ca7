/** What happened so far, and waiting for what is still to come. */
import { checkFunction } from '../base/check.ts'

/** For what must happen, however slow the machine is; nothing that works waits so long. */
const WAIT_MS_MAX = 10_000

export class Probe<T> {
  /** Everything so far, in order. */
  readonly all: T[] = []
  readonly #lookers = new Set<(item: T) => void>()

  add(item: T): void {
    this.all.push(item)
    for (const look of this.#lookers) look(item)
  }

  /**
   * The first item that `test` is true of: one there was already, or else the next that comes.
   *
   * @throws {Error} When none has come within 10 s, by the clock on the wall.
   */
  find(test: (item: T) => boolean): Promise<T> {
    checkFunction('find', 'test', test)
    const known = this.all.find(test)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve, reject) => {
      const look = (item: T): void => {
        if (!test(item)) return
        end()
        resolve(item)
      }
      const timer = setTimeout(() => {
        end()
        const text = `Cannot find what ${test} asks for: nothing within ${WAIT_MS_MAX} ms`
        reject(new Error(`${text}; ${this.all.length} others came`))
      }, WAIT_MS_MAX)
      const end = (): void => {
        clearTimeout(timer)
        this.#lookers.delete(look)
      }
      this.#lookers.add(look)
    })
  }
}
