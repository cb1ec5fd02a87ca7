/** What simulated services write to each other: who has sent it, and which one it is. */

export interface Letter {
  readonly place: number
  readonly stream: number
  readonly send: number
  readonly number: number
  readonly call: number
  /** Of which unique service it is, counted from 1; 0: of none. */
  readonly name: number
  readonly era: number
  readonly revision: number
}

const FIELDS = ['place', 'stream', 'send', 'number', 'call', 'name', 'era', 'revision'] as const
export const LETTER_BYTES = FIELDS.length * 8

/** @param length At least `LETTER_BYTES`. */
export function writeLetter(letter: Partial<Letter>, length: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(length, LETTER_BYTES))
  const view = new DataView(bytes.buffer)
  FIELDS.forEach((field, i) => {
    view.setFloat64(i * 8, letter[field] ?? 0, true)
  })
  if (length > LETTER_BYTES) bytes.fill(letter.number ?? 0, LETTER_BYTES)
  return bytes
}

/** @throws When it is not what was written. */
export function readLetter(bytes: Uint8Array, from: number, length: number): Letter {
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, length)
  const fields = FIELDS.map((field, i) => [field, view.getFloat64(i * 8, true)] as const)
  const letter = Object.fromEntries(fields) as unknown as Letter
  const fill = letter.number & 0xff
  for (let at = LETTER_BYTES; at < length; at += 997) {
    if (view.getUint8(at) !== fill) throw new Error(`message ${letter.number}: byte ${at} is wrong`)
  }
  return letter
}
