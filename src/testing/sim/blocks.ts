/** Blocks that are counted: each is taken or dropped once, with the length it was put with. */
import assert from 'node:assert/strict'
import type { Blocks } from '../../shm/memory.ts'

/** No piece is made of these. */
const GONE = 0xff

export class CountedBlocks implements Blocks {
  readonly #blocks = new Map<number, Buffer>()
  #lastAddress = 0x1000

  /** Blocks that nobody has ended. */
  get outstanding(): number {
    return this.#blocks.size
  }

  put(bytes: Uint8Array): number {
    const address = ++this.#lastAddress
    this.#blocks.set(address, Buffer.from(bytes))
    return address
  }

  copy(address: number, length: number): Buffer {
    return Buffer.from(this.view(address, length))
  }

  take(address: number, length: number): Buffer {
    const block = this.#blocks.get(address)
    assert.ok(block !== undefined, `block ${address} is taken twice, or never was`)
    assert.equal(length, block.length, `the length of block ${address}`)
    this.#blocks.delete(address)
    return block
  }

  view(address: number, length: number): Buffer {
    const block = this.#blocks.get(address)
    assert.ok(block !== undefined, `block ${address} is looked at, and is gone or never was`)
    assert.equal(length, block.length, `the length of block ${address}`)
    return block
  }

  /** Whoever still looks at it meets other bytes. */
  drop(address: number): void {
    this.#blocks.get(address)?.fill(GONE)
    assert.ok(this.#blocks.delete(address), `block ${address} is dropped twice, or never was`)
  }
}
