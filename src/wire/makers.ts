/**
 * The shapes a receiver knows: key blocks that came before, each with a function that makes such
 * an object. Only saves work: what is found is compared, byte by byte.
 */
export interface ValueSource {
  /** Reads the next value, in a container at `depth`. */
  value(depth: number): unknown
}

export type Maker = (source: ValueSource, depth: number) => object

export class KnownShape {
  readonly block: Uint8Array
  readonly keys: readonly string[]
  /** Made of code once the shape has come a few times. */
  make: Maker | undefined = undefined
  seen = 0
  /** Others that wanted this place since this one came last. */
  rivals = 0

  constructor(block: Uint8Array, keys: readonly string[]) {
    this.block = block
    this.keys = keys
  }
}

/** Slots: a power of two. */
const SLOTS = 256
/** Blocks are at most 255 bytes: all slots hold less than 64 KiB of them. */
const KEYS_MAX = 32
/** Code is made for what comes again and again only: it costs as much as hundreds of messages. */
const SEEN_MIN = 16
/** A shape with code gives its place to another only after so many attempts without its coming. */
const RIVALS_MAX = 64

export class Makers {
  readonly #slots = new Array<KnownShape | undefined>(SLOTS).fill(undefined)

  /** What is known of the keys in `bytes[at .. at + size)`. */
  find(bytes: Uint8Array, at: number, size: number): KnownShape | undefined {
    const shape = this.#slots[slotOf(bytes, at, size)]
    if (shape === undefined) return undefined
    const { block } = shape
    if (block.length !== size) return undefined
    for (let i = 0; i < size; i++) if (block[i] !== bytes[at + i]) return undefined
    shape.rivals = 0
    if (shape.make === undefined && ++shape.seen === SEEN_MIN) shape.make = makerOf(shape.keys)
    return shape
  }

  /** Remembers keys that were read from `bytes[at .. at + size)`. */
  add(bytes: Uint8Array, at: number, size: number, keys: readonly string[]): void {
    const slot = slotOf(bytes, at, size)
    const old = this.#slots[slot]
    if (old?.make !== undefined && ++old.rivals < RIVALS_MAX) return
    this.#slots[slot] = new KnownShape(Uint8Array.prototype.slice.call(bytes, at, at + size), keys)
  }
}

function slotOf(bytes: Uint8Array, at: number, size: number): number {
  const end = at + size
  const ends = bytes[end - 1]! * 31 + bytes[end - 2]! * 127
  const hash = ends + bytes[at + (size >> 1)]! * 961 + bytes[at + 1]! * 8191 + size
  return (hash ^ (hash >>> 9)) & (SLOTS - 1)
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
