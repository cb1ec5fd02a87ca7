/**
 * Messages of services between two slaves, Skynet's `service_harbor.c`. Both say the number of
 * their harbor first, a byte; the rest are frames:
 *
 *   size (u32be)  payload  source (u32be)  type (8) │ id of the destination (24)  session (u32be)
 *
 * The size counts all behind itself, and is below 16 MiB.
 */
import { HANDLE_ID_MAX, HARBOR_FRAME_BYTES_MAX } from '../base/limits.ts'
import { harborProtocol } from './control.ts'

const SIZE_BYTES = 4
const COOKIE_BYTES = 12
/** The longest payload. */
export const PAYLOAD_BYTES_MAX = HARBOR_FRAME_BYTES_MAX - COOKIE_BYTES

export const REMOTE_FRAMES = { header: 'u32be', max: HARBOR_FRAME_BYTES_MAX } as const

export interface RemoteMessage {
  /** One of PTYPE. */
  readonly type: number
  /** Handle of the receiver, of which 24 bits travel: the harbor is who the frame is sent to. */
  readonly to: number
  /** Handle of the sender, with its harbor. */
  readonly source: number
  /** Of 32 bits. Skynet gives those out that have 31, from 1. */
  readonly session: number
  readonly payload: Uint8Array
}

/** The whole frame. `payload` is not longer than PAYLOAD_BYTES_MAX. */
export function encodeRemote({ type, to, source, session, payload }: RemoteMessage): Buffer {
  const end = SIZE_BYTES + payload.length
  const frame = Buffer.allocUnsafe(end + COOKIE_BYTES)
  frame.writeUInt32BE(payload.length + COOKIE_BYTES, 0)
  frame.set(payload, SIZE_BYTES)
  frame.writeUInt32BE(source, end)
  frame.writeUInt32BE(((type << 24) | (to & HANDLE_ID_MAX)) >>> 0, end + 4)
  frame.writeUInt32BE(session, end + 8)
  return frame
}

/**
 * @param body What is behind the size.
 * @param harbor The own one, which is no part of the frame.
 * @throws {SkynetError} `ERR_HARBOR_PROTOCOL` when it is too short to be one.
 */
export function decodeRemote(body: Buffer, harbor: number): RemoteMessage {
  const end = body.length - COOKIE_BYTES
  if (end < 0) throw harborProtocol(`it has sent a message of ${body.length} bytes`)
  const destination = body.readUInt32BE(end + 4)
  return {
    type: destination >>> 24,
    to: ((harbor << 24) | (destination & HANDLE_ID_MAX)) >>> 0,
    source: body.readUInt32BE(end),
    session: body.readUInt32BE(end + 8),
    payload: body.subarray(0, end),
  }
}
