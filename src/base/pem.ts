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

/**
 * `crl` as `createSecureContext` takes it: of a text Node.js reads the first list, and passes over
 * the others without a word.
 */
export function everyList<T extends string | Uint8Array>({
  crl,
}: {
  readonly crl?: T | readonly T[] | undefined
}): { crl?: (T | string)[] } {
  if (!crl) return {}
  const each = [crl].flat() as T[]
  return {
    crl: each.flatMap((given): (T | string)[] => {
      const text = given instanceof Uint8Array ? Buffer.from(given).toString() : String(given)
      const lists = revocationLists(text)
      return lists.length > 0 ? lists : [given]
    }),
  }
}
