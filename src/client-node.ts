/// <reference types="node" preserve="true" />
/** The door to what only clients in Node.js have: see docs/client.md. */

export type { ClientLink, ClientLinkEvents, ClientLinkMaker } from './client/client-link.ts'
export type { FramedTcpOptions } from './client/node/framed-tcp.ts'
export { framedTcp } from './client/node/framed-tcp.ts'
export type { FrameHeader } from './frames/framing.ts'
