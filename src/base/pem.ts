/** What stands in a config for a certificate or a key: what is in the file, or its path? */
export const isPem = (text: string): boolean => text.includes('-----BEGIN ')

const LIST = '-----BEGIN X509 CRL-----'
const EACH_LIST = new RegExp(`(?=${LIST})`)

/**
 * The lists of revoked certificates in it, wherever they begin: behind a byte order mark, or
 * spaces, too. One that was left out in silence would let in who is on it.
 */
export const revocationLists = (text: string): string[] =>
  text.split(EACH_LIST).filter((each) => each.startsWith(LIST))
