/** Lines of a login: bytes up to LF. A CR is one of them: base64 refuses it, as in Skynet. */
import { SkynetError } from '../base/errors.ts'

const LF = 0x0a
const NOTHING = Buffer.alloc(0)

/** Hand it a chunk, take lines until there is none, hand it the next one. */
export class LineCutter {
  readonly #id: number
  readonly #bytesMax: number
  #chunk: Buffer = NOTHING
  #at = 0
  /** Of a line that has not ended. */
  #begun = ''

  /**
   * @param id Of the connection, for who reads the error.
   * @param bytesMax Of a line, its end not counted.
   */
  constructor(id: number, bytesMax: number) {
    this.#id = id
    this.#bytesMax = bytesMax
  }

  /** What came next. It is kept until `take` has found no further line in it. */
  add(chunk: Buffer): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /**
   * The next line, a character a byte, or undefined when its end has not come.
   *
   * @throws {SkynetError} `ERR_LINE_TOO_LONG` before what is too much is kept.
   */
  take(): string | undefined {
    const found = this.#chunk.indexOf(LF, this.#at)
    const end = found < 0 ? this.#chunk.length : found
    if (this.#begun.length + end - this.#at > this.#bytesMax) {
      throw new SkynetError('ERR_LINE_TOO_LONG', { id: this.#id, limit: this.#bytesMax })
    }
    const line = this.#begun + this.#chunk.toString('latin1', this.#at, end)
    this.#begun = found < 0 ? line : ''
    this.#at = end + 1
    if (found >= 0) return line
    this.add(NOTHING)
    return undefined
  }
}
