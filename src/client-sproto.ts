/// <reference types="node" preserve="true" />
/** The door to protocols of clients in sproto, for pages as well: see docs/client.md. */

export type { DecodedSchema } from './client/client-protocol.ts'
export type {
  SprotoCalls,
  SprotoEvents,
  SprotoLogin,
  SprotoProtocolOptions,
} from './client/sproto/sproto-protocol.ts'
export { sprotoProtocol } from './client/sproto/sproto-protocol.ts'
export type { Sproto } from './codec/sproto/sproto.ts'
export { loadSproto, sproto } from './codec/sproto/sproto.ts'
