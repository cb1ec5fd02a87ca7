/**
 * The shapes a sender knows: lists of keys that came before, each with its bytes ready. Only saves
 * work: every message carries its keys in full, so that it stands alone.
 */
import { TAG } from './tags.ts'

export interface Shape {
  readonly keys: readonly string[]
  /** `TAG.SHAPED`, the size of the keys, the keys: `length` bytes in little-endian words. */
  readonly words: Int32Array
  readonly length: number
}

/** A key longer than this, or one that is not latin1, is not learned. */
const KEY_MAX = 31
const KEYS_MAX = 32
const HEADER_BYTES = 2
const KEYS_BYTES_MAX = 255
/** Keys in the tree; when there are more, it starts anew. */
const NODES_MAX = 1024
/** One unknown shape in so many is learned: objects that are dictionaries never come again. */
const MISSES_PER_LESSON = 8
/** After so many unknown shapes in a row only one object in so many is looked up. */
const MISSES_MAX = 32
const MISSES_PER_LOOK = 16

const owns = Object.prototype.hasOwnProperty

/** A key, after the keys on the way to it. */
class Node {
  readonly key: string
  readonly children = new Map<string, Node>()
  /** The child that was taken last: most often it is the one again. */
  next: Node
  /** When an object has these keys and no more. */
  shape: Shape | undefined = undefined

  constructor(key: string, next?: Node) {
    this.key = key
    this.next = next ?? this
  }
}

/** Has a key that is never learned, and no shape. A string, as all are: that compares fastest. */
const NOWHERE = new Node('__proto__')

/** One a Packer. */
export class Shapes {
  #root = new Node('', NOWHERE)
  #nodes = 0
  #missesInRow = 0
  #misses = 0

  /** The shape of a plain object, when it is known: its own enumerable keys, in order. */
  of(object: object): Shape | undefined {
    if (this.#missesInRow > MISSES_MAX && this.#missesInRow % MISSES_PER_LOOK !== 0) {
      this.#missesInRow++
      return undefined
    }
    let node = this.#root
    for (const key in object) {
      if (!owns.call(object, key)) continue
      if (node.next.key !== key) {
        const next = node.children.get(key)
        if (next === undefined) return this.#miss(object)
        node.next = next
      }
      node = node.next
    }
    if (node.shape === undefined) return this.#miss(object)
    this.#missesInRow = 0
    return node.shape
  }

  #miss(object: object): undefined {
    this.#missesInRow++
    if (this.#misses++ % MISSES_PER_LESSON === 0) this.#learn(object)
  }

  #learn(object: object): void {
    const keys: string[] = []
    for (const key in object) {
      if (!owns.call(object, key)) continue
      if (keys.push(key) > KEYS_MAX) return
    }
    const shape = shapeOf(keys)
    if (shape === undefined) return
    if (this.#nodes + keys.length > NODES_MAX) {
      this.#root = new Node('', NOWHERE)
      this.#nodes = 0
    }
    let node = this.#root
    for (const key of keys) {
      let next = node.children.get(key)
      if (next === undefined) {
        next = new Node(key, NOWHERE)
        node.children.set(key, next)
        this.#nodes++
      }
      node = next
    }
    node.shape = shape
  }
}

/** Undefined when the keys are long or not simple. */
export function shapeOf(keys: readonly string[]): Shape | undefined {
  const size = keys.reduce((sum, key) => sum + 1 + key.length, 0)
  if (size > KEYS_BYTES_MAX) return undefined
  const bytes = Buffer.alloc((HEADER_BYTES + size + 3) & ~3)
  bytes[0] = TAG.SHAPED
  bytes[1] = size
  let at = HEADER_BYTES
  for (const key of keys) {
    if (key.length > KEY_MAX || key === '__proto__' || /[\u0100-\uffff]/.test(key)) return undefined
    bytes[at] = TAG.SHORT_STRING | key.length
    at += 1 + bytes.write(key, at + 1, 'latin1')
  }
  const words = new Int32Array(bytes.length / 4)
  for (let i = 0; i < words.length; i++) words[i] = bytes.readInt32LE(i * 4)
  return { keys, words, length: HEADER_BYTES + size }
}
