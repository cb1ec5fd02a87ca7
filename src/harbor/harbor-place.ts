/** Where a master or a slave is, as they write it to each other. */
import { type HostPort, readHostPort } from '../base/host-port.ts'

/** What an address may have: it travels in one message of at most 255 bytes. */
const HOST_CHARS_MAX = 200

/** Undefined: it is none, or its port is less than `portMin`. */
export function readHarborPlace(text: string, portMin = 0): HostPort | undefined {
  const place = readHostPort(text, portMin)
  return place === undefined || place.host.length > HOST_CHARS_MAX ? undefined : place
}
