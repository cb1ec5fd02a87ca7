/**
 * What a client shows to get its session back: the id of the session, and a secret that is new with
 * each WELCOME.
 *
 * A WELCOME may be lost, and its secret with it. So the one that the client has shown for it stays
 * good until the client is heard on that connection: then it has the new one. Of two connections
 * that show the same secret the later attempt counts, whichever HELLO arrives first: the other one
 * was given up by the client, and must not take the session from where the client is.
 */

export const ID_BYTES = 8
const SECRET_BYTES = 16
export const TOKEN_BYTES = ID_BYTES + SECRET_BYTES

/** Looks at each byte, however many are right: the time says nothing of the secret. */
function isSame(token: Uint8Array, other: Uint8Array): boolean {
  let difference = 0
  for (let i = 0; i < TOKEN_BYTES; i++) difference |= token[i]! ^ other[i]!
  return difference === 0
}

export class SessionTokens {
  readonly #randomBytes: (count: number) => Uint8Array
  #current: Uint8Array
  /** The one that was shown for the connection of now, until the client is heard on it. */
  #shown: Uint8Array | undefined
  #attempt = 0
  /** The client has had a token. */
  isConfirmed = false

  constructor(id: Uint8Array, randomBytes: (count: number) => Uint8Array) {
    this.#randomBytes = randomBytes
    this.#current = this.#make(id)
  }

  /** @param id Or a token that begins with it. */
  #make(id: Uint8Array): Uint8Array {
    const token = new Uint8Array(TOKEN_BYTES)
    token.set(id)
    token.set(this.#randomBytes(SECRET_BYTES), ID_BYTES)
    return token
  }

  /** What the next WELCOME tells. */
  get current(): Uint8Array {
    return this.#current
  }

  /**
   * Somebody shows a token for another connection.
   *
   * @param token Of `TOKEN_BYTES`.
   * @returns `good`: there is a new one now; `late`: a later attempt was here before; or `wrong`.
   */
  show(token: Uint8Array, attempt: number): 'good' | 'late' | 'wrong' {
    const isAgain = this.#shown !== undefined && isSame(token, this.#shown)
    if (isAgain && attempt <= this.#attempt) return 'late'
    if (!isAgain && !isSame(token, this.#current)) return 'wrong'
    // A copy: the bytes around it are a whole HELLO.
    this.#shown = token.slice()
    this.#attempt = attempt
    this.#current = this.#make(this.#current)
    return 'good'
  }

  /** The client was heard on the connection of now: it has its WELCOME. */
  confirm(): void {
    this.isConfirmed = true
    this.#shown = undefined
  }
}
