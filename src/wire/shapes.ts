/**
 * The shapes a sender knows: lists of keys that came before, each with its bytes ready. Only saves
 * work: every message carries its keys in full, so that it stands alone.
 */
import { TAG } from './tags.ts'

export interface Shape {
  readonly keys: readonly string[]
  /** `TAG.SHAPED`, the size of the keys, the keys. */
  readonly header: Uint8Array
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
  readonly key: string | undefined
  readonly children = new Map<string, Node>()
  /** The child that was taken last: most often it is the one again. */
  next: Node
  /** When an object has these keys and no more. */
  shape: Shape | undefined = undefined

  constructor(key: string | undefined, next?: Node) {
    this.key = key
    this.next = next ?? this
  }
}

/** No key equals its own. */
const NOWHERE = new Node(undefined)

/** One a Packer. */
export class Shapes {
  #root = new Node(undefined, NOWHERE)
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
    const header = headerOf(keys)
    if (header === undefined) return
    if (this.#nodes + keys.length > NODES_MAX) {
      this.#root = new Node(undefined, NOWHERE)
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
    node.shape = { keys, header }
  }
}

/** Undefined when the keys are many or not simple. */
export function headerOf(keys: readonly string[]): Uint8Array | undefined {
  let size = 0
  for (const key of keys) {
    if (key.length > KEY_MAX || key === '__proto__') return undefined
    size += 1 + key.length
  }
  if (size > KEYS_BYTES_MAX) return undefined
  const header = new Uint8Array(HEADER_BYTES + size)
  header[0] = TAG.SHAPED
  header[1] = size
  let at = HEADER_BYTES
  for (const key of keys) {
    header[at++] = TAG.SHORT_STRING | key.length
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i)
      if (unit > 0xff) return undefined
      header[at++] = unit
    }
  }
  return header
}
