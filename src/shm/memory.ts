/** Memory that several threads see, and blocks that change hands between them. */

/** A piece of shared memory that the operating system can read into and write from. */
export interface Region {
  readonly buffer: SharedArrayBuffer
  readonly bytes: Buffer
  /** Where `bytes[0]` is in this process; 0 where no system call will ever see it. */
  readonly address: number
}

/**
 * Blocks outside every JavaScript heap: the sender fills one and gives it away, the receiver takes
 * the bytes and the block is gone (Skynet's malloc-and-give-away). A block belongs to exactly one
 * side at any time: `put` creates it, `take` or `drop` ends it.
 */
export interface Blocks {
  /** Copy `bytes` into a new block. Returns its address, an integer below 2^53. */
  put(bytes: Uint8Array): number
  /** Copy a block into fresh memory of this thread. */
  copy(address: number, length: number): Buffer
  /** Copy it, and free it. @param isPassedOn Into memory that `spareMemory` may get back. */
  take(address: number, length: number, isPassedOn?: boolean): Buffer
  /**
   * The bytes of a block where they are. Not to be touched after `drop`. Not for workers: a thread
   * that is ended while Node-API makes an ArrayBuffer for it takes the process with it.
   */
  view(address: number, length: number): Buffer
  /** Free a block unread. */
  drop(address: number): void
}
