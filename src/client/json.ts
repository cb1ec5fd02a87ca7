/** JSON in UTF-8, where no Node.js is; the server has a stricter one with the same bytes. */
import type { Codec } from '../codec/codec.ts'
import { bodiesOf, type MessageBodies } from './bodies.ts'
import { wrongArgument } from './check.ts'
import { FULL } from './full.ts'
import { decoder, encoder } from './wire.ts'

const plainJson: Codec<unknown> = {
  encode(value) {
    const text: string | undefined = JSON.stringify(value)
    if (FULL && text === undefined) throw wrongArgument('send', 'value', 'what JSON has', value)
    return encoder.encode(text)
  },
  decode: (bytes) => JSON.parse(decoder.decode(bytes)) as unknown,
}

/** Of protocols that name no codec. */
export const jsonBodies: MessageBodies = bodiesOf(plainJson)
