/** Frames of a 2-byte length (big-endian) and a payload, out of a stream cut anywhere. */
export const FRAME_HEAD_BYTES = 2

/** A text in its frame. */
export function frameOf(text: string): Buffer {
  const body = Buffer.from(text)
  return Buffer.concat([Buffer.of(body.length >>> 8, body.length), body])
}

/** One a connection. */
export class FrameParser {
  #rest: Buffer | undefined

  /** Hands every complete frame to `onFrame`, its head included. */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (bytes.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + bytes.readUInt16BE(at)
      if (end > bytes.length) break
      onFrame(bytes.subarray(at, end))
      at = end
    }
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at)
  }
}
