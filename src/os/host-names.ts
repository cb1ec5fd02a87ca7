/** Names of hosts: Node.js looks them up, on a thread of its own. */

/** An address of a host. */
export interface HostAddress {
  readonly family: 4 | 6
  readonly host: string
}

/** In the order in which to try them. @throws {Error} Nobody has that name; no resolver answers. */
export async function lookUpHost(name: string): Promise<HostAddress[]> {
  const { lookup } = await import('node:dns/promises')
  const found = await lookup(name, { all: true })
  return found.map(({ address, family }) => ({ family: family as 4 | 6, host: address }))
}
