/** What services say to `clusterd` of nodes and names: it holds until somebody says otherwise. */

/** A method of a snax service, as its file defines it: `response.ping`, `accept.hello`. */
export type SnaxMethod = `response.${string}` | `accept.${string}`

/** A word and when it was said, by `Stamps` of who heard it; 0: nobody has so far. */
export interface Said<T> {
  readonly word: T
  readonly stamp: number
}

/** What one service has said of nodes and names. */
export interface Words {
  /** By name of a node. */
  readonly table: ReadonlyMap<string, Said<string | boolean>>
  /** By handle, as a service has one name; undefined: it has none any more. */
  readonly names: ReadonlyMap<number, Said<string | undefined>>
  /** By name. */
  readonly snax: ReadonlyMap<string, Said<SnaxWord>>
}

export interface SnaxWord {
  readonly handle: number
  readonly methods: readonly SnaxMethod[]
}
