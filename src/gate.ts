/// <reference types="node" preserve="true" />
/** The door for who accepts clients: see docs/login.md. */

export type { Bytes } from './gate/crypt/bytes.ts'
export type { DesPadding } from './gate/crypt/des.ts'
export { crypt } from './gate/crypt.ts'
