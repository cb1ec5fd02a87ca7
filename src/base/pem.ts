/** What stands in a config for a certificate or a key: what is in the file, or its path? */
export const isPem = (text: string): boolean => text.includes('-----BEGIN ')

const LIST = '-----BEGIN X509 CRL-----'
const EACH_LIST = new RegExp(`^(?=${LIST})`, 'm')

/** The lists of revoked certificates in it. */
export const revocationLists = (text: string): string[] =>
  text.split(EACH_LIST).filter((each) => each.startsWith(LIST))
