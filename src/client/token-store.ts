/** Where a page keeps what it shows to get its session back when it was loaded again. */

/** `sessionStorage` is one; `localStorage` would give one session to several tabs. */
export interface ClientStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** What a HELLO shows. `attempt` is of the last one: the clock of the page may be set back. */
export interface KeptToken {
  /** Empty: there is no session. */
  readonly token: Uint8Array
  readonly attempt: number
}

export interface TokenStore {
  /** @returns Undefined: there is none for this login. */
  load(login: Uint8Array): KeptToken | undefined
  save(login: Uint8Array, kept: KeptToken): void
}

/**
 * Keeps a token for a login that looks like this one: whoever logs in as somebody else gets no
 * session of before. What a storage throws, as a full one does, costs no more than the session
 * after the next load.
 */
export function tokenStore(storage: ClientStorage, key: string): TokenStore {
  return {
    load(login) {
      try {
        const [mark, attempt, ...token] = JSON.parse(storage.getItem(key) ?? '[]') as number[]
        if (mark === markOf(login))
          return { token: Uint8Array.from(token), attempt: Number(attempt) || 0 }
      } catch {}
      return undefined
    },
    save(login, { token, attempt }) {
      try {
        if (token.length === 0) storage.removeItem(key)
        else storage.setItem(key, JSON.stringify([markOf(login), attempt, ...token]))
      } catch {}
    },
  }
}

/** Of a login, which may hold a password: too short to tell anything of it (FNV-1a). */
const markOf = (login: Uint8Array): number =>
  login.reduce((mark, byte) => Math.imul(mark ^ byte, 0x01000193) >>> 0, 0x811c9dc5)
