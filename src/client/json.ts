/** JSON in UTF-8, where no Node.js is; the server has a stricter one with the same bytes. */
import { type BodyPart, bodiesOf, type MessageBodies } from './bodies.ts'
import { wrongArgument } from './check.ts'
import { FULL } from './full.ts'
import { decoder, encoder, NOTHING } from './wire.ts'

const plainBodies = bodiesOf({
  encode: (value) => encoder.encode(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(decoder.decode(bytes)) as unknown,
})

/** Of protocols that name no codec. */
export const jsonBodies: MessageBodies = FULL ? { ...plainBodies, encode } : plainBodies

/** What JSON throws, of a cycle or a bigint, names neither the call nor the value. */
function encode(part: BodyPart, name: string, value: unknown): Uint8Array {
  if (value === undefined) return NOTHING
  let text: string | undefined
  let why = ''
  try {
    text = JSON.stringify(value)
  } catch (error) {
    why = `: ${error}`
  }
  if (text !== undefined) return encoder.encode(text)
  throw wrongArgument(`send ${name || part}`, 'value', `what JSON has${why}`, value)
}
