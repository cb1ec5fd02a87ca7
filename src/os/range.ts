/** The kernel sees addresses only: a range beyond the memory would be somebody else's bytes. */
export function checkRange(bytes: Uint8Array, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= bytes.length) return
  throw new RangeError(
    `Cannot use ${length} bytes at ${offset} as the memory ends at ${bytes.length}`,
  )
}
