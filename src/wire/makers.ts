/**
 * The shapes a receiver knows: blocks of keys that came before, each with a function that makes an
 * object of them. Only saves work: what is found is compared, byte by byte.
 */

/** Reads the values of a message one after the other. */
interface Source {
  value(depth: number): unknown
}

/** Makes an object of the values that follow, at once with all its properties. */
type Maker = (source: Source, depth: number) => object

export class KnownShape {
  readonly keys: readonly string[]
  /** Bytes of the keys. */
  readonly size: number
  make: Maker | undefined = undefined
  seen = 0
  /** Others that wanted this place since this one came last. */
  rivals = 0

  constructor(keys: readonly string[], size: number) {
    this.keys = keys
    this.size = size
  }
}

/** A power of two. */
const SLOTS = 256
/** Room of a slot for the bytes of its keys, whose size is a byte. */
const ROW_BYTES = 256
const KEYS_MAX = 32
/** Code is made for what comes again and again only: it costs as much as hundreds of messages. */
const SEEN_MIN = 16
/** A shape gives its place to another after so many attempts without its coming. */
const RIVALS_MAX = 4
const RIVALS_OF_CODE_MAX = 64

/** One a reader. Bounded, whatever comes: the slots, their bytes, and code only now and then. */
export class Makers {
  readonly #slots = new Array<KnownShape | undefined>(SLOTS).fill(undefined)
  readonly #rows = new Uint8Array(SLOTS * ROW_BYTES)
  readonly #view = new DataView(this.#rows.buffer)

  /** What is known of the keys in `bytes[at .. at + size)`; `view` is of the same bytes. */
  find(
    bytes: Uint8Array,
    view: DataView<ArrayBufferLike>,
    at: number,
    size: number,
  ): KnownShape | undefined {
    const slot = slotOf(bytes, at, size)
    const shape = this.#slots[slot]
    if (shape === undefined || shape.size !== size) return undefined
    const row = slot * ROW_BYTES
    let i = 0
    for (; i + 4 <= size; i += 4)
      if (view.getInt32(at + i) !== this.#view.getInt32(row + i)) return undefined
    for (; i < size; i++) if (bytes[at + i] !== this.#rows[row + i]) return undefined
    shape.rivals = 0
    if (shape.seen < SEEN_MIN && ++shape.seen === SEEN_MIN) shape.make = makerOf(shape.keys)
    return shape
  }

  /** Remembers the keys read from `bytes[at .. at + size)`, unless the place is well used. */
  add(bytes: Uint8Array, at: number, size: number, keys: readonly string[]): void {
    const slot = slotOf(bytes, at, size)
    const old = this.#slots[slot]
    if (old !== undefined) {
      const limit = old.make === undefined ? RIVALS_MAX : RIVALS_OF_CODE_MAX
      if (++old.rivals < limit) return
    }
    const row = slot * ROW_BYTES
    for (let i = 0; i < size; i++) this.#rows[row + i] = bytes[at + i]!
    this.#slots[slot] = new KnownShape(keys, size)
  }
}

/** Four bytes of the keys; of few keys, of the tag and the size before them. */
function slotOf(bytes: Uint8Array, at: number, size: number): number {
  const last = at + size - 1
  const ends = bytes[last]! * 31 + bytes[last - 1]! * 961
  const hash =
    ends + bytes[last - (size >> 1)]! * 127 + bytes[last - 3 * (size >> 2)]! * 8191 + size
  return (hash ^ (hash >>> 10)) & (SLOTS - 1)
}

/** Undefined where Node runs without code from strings, and for keys a literal would not keep. */
function makerOf(keys: readonly string[]): Maker | undefined {
  if (keys.length > KEYS_MAX || keys.includes('__proto__')) return undefined
  const properties = keys.map((key) => `${JSON.stringify(key)}: source.value(depth)`)
  try {
    return new Function('source', 'depth', `return { ${properties.join(', ')} }`) as Maker
  } catch {
    return undefined
  }
}
