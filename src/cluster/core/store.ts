/**
 * The contract of the one place where a cluster decides: who is a member, who is dead, who owns a
 * name. Every decision is a compare-and-swap of one entry; nothing is decided by a read. It may
 * lose its memory, as one that has no disk does: then its era is another one, and owners announce
 * again what they have.
 *
 * Keys are `node.<name>` and `name.<name>`. What values mean is known to whoever writes them.
 */

/** What one key has. */
export interface StoreEntry {
  readonly key: string
  /** Whole, 1 … 2^53-1. Rises with each change of any key; in a new era it may begin again. */
  readonly revision: number
  /** Undefined: deleted, at this revision. */
  readonly value: Uint8Array | undefined
}

/** Which memory a store has. */
export interface OpenedStore {
  readonly era: number
  readonly ageMs?: number
  readonly revision?: number
}

/** A watch that runs. */
export interface StoreWatch {
  /** Resolves once every entry that was there at the beginning has been told. */
  readonly ready: Promise<void>
  /** Nothing is told after it returns. */
  close(): void
}

export interface ClusterStore {
  /**
   * Opens it, or makes sure of it after a lost watch.
   *
   * What it answers then is of that memory: a write that meets another one is lost.
   *
   * @returns Which memory this is: when it began, in milliseconds since 1970, so that a later one
   * is higher. And, where that is known, how long it has been there: who comes to an old one need
   * not wait until owners have announced again what they have. And its last revision, where that
   * is known: a watch that is begun then lists nothing older, and whoever was told of a later one
   * has been told what never was.
   * @throws {SkynetError} `ERR_STORE_LOST` when it cannot be reached.
   */
  open(): Promise<OpenedStore>
  /**
   * Write `key` if it still has that revision.
   *
   * @param value Undefined: delete.
   * @param revision 0: only if there is no such entry, or it is deleted.
   * @returns The new revision.
   * @throws {SkynetError} `ERR_STORE_CONFLICT`: nothing was written, somebody else was first.
   * `ERR_STORE_LOST`: no answer; it may have been written.
   */
  cas(key: string, value: Uint8Array | undefined, revision: number): Promise<number>
  /**
   * An entry as it was lately: good for what to try next, never to decide by.
   *
   * @throws {SkynetError} `ERR_STORE_LOST`
   */
  get(key: string): Promise<StoreEntry | undefined>
  /**
   * Tell every entry that there is, then each change, in the order of revisions. The last of
   * several changes of one key may stand for all of them.
   *
   * @param lost The watch has ended by itself: open again, look at the era, watch anew.
   */
  watch(each: (entry: StoreEntry) => void, lost: (reason: unknown) => void): StoreWatch
  /** Everything that waits rejects with `ERR_STORE_LOST`. */
  close(): Promise<void>
}
