/**
 * What the program is told by a call of its own functions: `log`, and `free` of bytes that it lent.
 * They may call the server. So they are only noted where something of ours is under way, and called
 * when it is not.
 */
import { standardError } from '../../base/output.ts'
import { Queue } from '../../base/queue.ts'
import { describe } from '../../base/thrown.ts'

export class Callbacks {
  readonly #due = new Queue<() => void>()
  readonly #log: (text: string) => void

  constructor(log: (text: string) => void = toStandardError) {
    this.#log = log
  }

  /** A line for the log is due. */
  say(text: string): void {
    this.#due.push(() => this.#tell(text))
  }

  /** Whoever lent bytes is due to hear that they are done with. What `free` throws is logged. */
  giveBack(free: () => void): void {
    this.#due.push(() => {
      try {
        free()
      } catch (error) {
        this.#tell(`socket-server error: free: ${describe(error)}`)
      }
    })
  }

  /** Call what is due, and what becomes due meanwhile. */
  run(): void {
    for (let call = this.#due.shift(); call !== undefined; call = this.#due.shift()) call()
  }

  /** A log that throws is no reason to lose the line. */
  #tell(text: string): void {
    try {
      this.#log(text)
    } catch (error) {
      toStandardError(`${text}\nsocket-server error: log: ${describe(error)}`)
    }
  }
}

function toStandardError(text: string): void {
  standardError().addLine(text)
}
