/** Settings that tests of KCP share: as games have it. */
import type { KcpSettings } from './core.ts'

export const FAST: KcpSettings = {
  mtu: 1191,
  sendWindow: 128,
  receiveWindow: 128,
  intervalMs: 10,
  noDelay: 1,
  fastResend: 2,
  isPolite: false,
  messageBytesMax: 65_536,
}
