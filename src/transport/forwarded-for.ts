/** Who has really sent a request of HTTP that came through proxies. */
import { checkString, isA, isObject, refusal } from '../base/check.ts'
import { hostPortText, readHostPort } from '../base/host-port.ts'
import { ipGroups, ipText } from '../base/ip.ts'
import { TrustedProxies } from './trust.ts'

const WHAT = 'look for who is behind proxies'

/** As `node:http` has them, by names in lower case: `x-forwarded-for` is looked at. */
export interface ForwardedHeaders {
  readonly [name: string]: string | readonly string[] | undefined
}

/**
 * The address of the client: of what `X-Forwarded-For` lists, from the right, the first one that is
 * no trusted proxy. What stands left of it anybody may have written. Without such a header, or from
 * a peer that is not trusted, it is the peer. What is no address ends the list: the last proxy
 * before it is the client then.
 *
 * @param headers As `node:http` has them.
 * @param peer `remoteAddress` of the connection.
 * @returns `ip:port`, IPv6 in brackets; the port is 0 where the proxy has not said it.
 * @throws `TypeError` naming the argument.
 */
export function forwardedFor(
  headers: ForwardedHeaders,
  peer: string,
  trust: TrustedProxies,
): string {
  if (!isA(trust, TrustedProxies)) {
    throw refusal('type', WHAT, 'trust', 'a TrustedProxies', trust)
  }
  if (!isObject(headers)) throw refusal('type', WHAT, 'headers', 'an object', headers)
  checkString(WHAT, 'peer', peer)
  const given = headers['x-forwarded-for']
  if (given === undefined || !trust.has(peer)) return peer
  const list = typeof given === 'string' ? given : given.join(',')
  let client = peer
  for (let end = list.length; end >= 0; ) {
    const comma = end === 0 ? -1 : list.lastIndexOf(',', end - 1)
    const hop = addressIn(list.slice(comma + 1, end).trim())
    if (hop === undefined) return client
    client = hop
    if (!trust.has(client)) return client
    end = comma
  }
  return client
}

/** `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`. */
function addressIn(text: string): string | undefined {
  const isInBrackets = text.startsWith('[') && text.endsWith(']')
  const { host, port } = readHostPort(text) ?? {
    host: isInBrackets ? text.slice(1, -1) : text,
    port: 0,
  }
  const groups = ipGroups(host)
  return groups && hostPortText({ host: ipText(groups), port })
}
