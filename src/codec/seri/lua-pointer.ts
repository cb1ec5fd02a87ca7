/** An address in the process of a peer. */

/**
 * What Lua calls light userdata. It means nothing in another process: it can be compared, and sent
 * back.
 */
export class LuaPointer {
  /** 64 bits without a sign; never 0, which comes as `null`. */
  readonly address: bigint

  constructor(address: bigint) {
    this.address = address
  }
}
