/// <reference types="node" preserve="true" />
/** The door to codecs: see docs/codec.md. */

export type { Codec } from './codec/codec.ts'
export { codecError } from './codec/codec.ts'
export { json } from './codec/json.ts'
