/** The table of opcodes of WebSocket frames (RFC 6455, 5.2 and 11.8). */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Opcodes from here on are control frames: short, whole, and between those of a message. */
export const CONTROL_MIN = 8
/** The longest payload of a control frame, in bytes. */
export const CONTROL_BYTES_MAX = 125

/** Bits of the first byte. */
export const FIN = 0x80
/** With permessage-deflate: the message is compressed. */
export const RSV1 = 0x40
export const RSV = 0x70
/** Of the second byte. */
export const MASKED = 0x80

/** By opcode: does anybody know it? */
export const KNOWN: readonly boolean[] = Array.from({ length: 16 }, (_, opcode) =>
  (Object.values(OPCODE) as readonly number[]).includes(opcode),
)
