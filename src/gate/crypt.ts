/** `skynet.crypt`, for who talks to Skynet's clients and servers. */
import { base64Decode, base64Encode } from './crypt/base64.ts'
import { desDecode, desEncode } from './crypt/des.ts'
import { dhExchange, dhSecret, randomKey } from './crypt/dh.ts'
import { hashKey } from './crypt/hash-key.ts'
import { hexDecode, hexEncode } from './crypt/hex.ts'
import { hmac64, hmac64Md5, hmacHash, hmacSha1, sha1, xorStr } from './crypt/hmac64.ts'

/**
 * The functions of Skynet's `skynet.crypt`, byte for byte. Keys, numbers and codes have eight
 * bytes, the lowest first. Strings are taken as UTF-8. Each returns a buffer that is the caller's.
 *
 * **It is weak**: 64 bits of Diffie-Hellman and 56 of DES are broken at home in a day, and nobody
 * proves who he is. It keeps what exists working; where there is a choice, use TLS.
 *
 * Bytes that nothing of this could have made are `ERR_CRYPT`, other arguments a `TypeError`.
 */
export const crypt = Object.freeze({
  base64Decode,
  base64Encode,
  desDecode,
  desEncode,
  dhExchange,
  dhSecret,
  hashKey,
  hexDecode,
  hexEncode,
  hmac64,
  hmac64Md5,
  hmacHash,
  hmacSha1,
  randomKey,
  sha1,
  xorStr,
})
