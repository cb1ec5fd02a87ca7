/** Where a master or a slave is, as they write it to each other: `host:port`, IPv6 in brackets. */

export interface HarborPlace {
  readonly host: string
  readonly port: number
}

/** What an address may have: it travels in one message of at most 255 bytes. */
const HOST_CHARS_MAX = 200
const PATTERN = /^(?:\[([\da-fA-F:.%\w]+)\]|([^:[\]\s]+)):(\d{1,5})$/

/** Undefined: it is none. */
export function readHarborPlace(text: string): HarborPlace | undefined {
  const [, bracketed, name, digits] = PATTERN.exec(text) ?? []
  const host = bracketed ?? name
  const port = Number(digits)
  return host === undefined || host.length > HOST_CHARS_MAX || port > 65_535
    ? undefined
    : { host, port }
}

export const harborPlaceText = ({ host, port }: HarborPlace): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** May only programs on this machine connect to it? */
export const isPrivatePlace = ({ host }: HarborPlace): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
