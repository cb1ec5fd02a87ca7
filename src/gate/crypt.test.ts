/** What Skynet's functions give, and what they refuse: each row of test/vectors/login.json. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { isSkynetError } from '../base/errors.ts'
import { vectorsOf } from '../testing/vectors.ts'
import { crypt } from './crypt.ts'

type Row = Readonly<Record<string, string | number | null>>
const vectors = vectorsOf<{ crypt: Readonly<Record<string, Row[]>> }>('login').crypt

const hex = (value: Row[string] | undefined): Buffer => Buffer.from(`${value}`, 'hex')
const PADDINGS = ['iso7816_4', 'pkcs7', 'mode 2'] as const

/** How a row is asked for: each gives bytes, or text as bytes. */
const ASK: Readonly<Record<string, (row: Row) => Buffer | string>> = {
  dhexchange: (row) => crypt.dhExchange(hex(row.key)),
  dhsecret: (row) => crypt.dhSecret(hex(row.peerPublic), hex(row.private)),
  hmac64: (row) => crypt.hmac64(hex(row.x), hex(row.y)),
  hmac64_md5: (row) => crypt.hmac64Md5(hex(row.x), hex(row.y)),
  hashkey: (row) => crypt.hashKey(hex(row.text)),
  hmac_hash: (row) => crypt.hmacHash(hex(row.key), hex(row.text)),
  des: (row) => crypt.desEncode(hex(row.key), hex(row.plain), row.padding as 'pkcs7'),
  desEdge: (row) =>
    crypt.desDecode(hex(row.key), hex(row.cipher), PADDINGS[Number(row.padding)] as never),
  hexencode: (row) => crypt.hexEncode(hex(row.raw)),
  hexdecodeEdge: (row) => crypt.hexDecode(`${row.text}`),
  base64: (row) => crypt.base64Encode(hex(row.raw)),
  base64decodeEdge: (row) => crypt.base64Decode(`${row.text}`),
  sha1: (row) => crypt.sha1(hex(row.text)),
  hmac_sha1: (row) => crypt.hmacSha1(hex(row.key), hex(row.text)),
  xor_str: (row) => crypt.xorStr(hex(row.a), hex(row.b)),
}

/** What is a fault of Skynet's, and refused here. */
const FAULTS: readonly string[] = ['g0']
/** Wrong arguments, which are none of a peer's doing. */
const ARGUMENTS: readonly string[] = [`Can't xor empty string`, 'Invalid padding mode 2']

const isRefused = (error: unknown): boolean => isSkynetError(error, 'ERR_CRYPT')

suite('crypt', () => {
  for (const [name, rows] of Object.entries(vectors)) {
    const ask = ASK[name]
    if (ask === undefined) continue
    // Proves: docs/login.md#crypt
    test(`${name}: the ${rows.length} rows of Skynet`, () => {
      for (const row of rows) {
        const about = JSON.stringify(row).slice(0, 200)
        const { error, out } = row
        if (FAULTS.includes(`${row.text}`)) assert.throws(() => ask(row), isRefused, about)
        else if (error === undefined) {
          const given = ask(row)
          const shown = typeof given === 'string' ? given : given.toString('hex')
          assert.equal(shown, out, about)
        } else if (ARGUMENTS.includes(`${error}`)) {
          assert.throws(() => ask(row), /must (not )?be /, about)
        } else assert.throws(() => ask(row), isRefused, about)
      }
    })
  }

  test('all tables of the vectors are asked for', () => {
    const left = Object.keys(vectors).filter((name) => ASK[name] === undefined)
    assert.deepEqual(left, ['randomkeySamples'])
  })

  test('both sides come to the same secret', () => {
    for (const { private: own, peerPublic, out, otherSide } of vectors.dhsecret!) {
      if (out !== undefined) assert.equal(out, otherSide, `${own} ${peerPublic}`)
    }
    const [a, b] = [crypt.randomKey(), crypt.randomKey()]
    const secret = crypt.dhSecret(crypt.dhExchange(a), b)
    assert.deepEqual(crypt.dhSecret(crypt.dhExchange(b), a), secret)
  })

  // Proves: docs/login.md#crypt-zero
  test('dhSecret() refuses a key of a peer that is zero modulo the prime', () => {
    const prime = Buffer.from('c5ffffffffffffff', 'hex')
    assert.throws(() => crypt.dhSecret(prime, Buffer.alloc(8, 1)), isRefused)
    assert.throws(() => crypt.dhSecret(Buffer.alloc(8), Buffer.alloc(8, 1)), isRefused)
  })

  test('desDecode() gives back what desEncode() got, in both paddings', () => {
    const bytes = fc.uint8Array({ maxLength: 70 })
    const key = fc.uint8Array({ minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(key, bytes, fc.constantFrom('iso7816_4', 'pkcs7'), (secret, text, padding) => {
        const data = crypt.desEncode(secret, text, padding)
        assert.equal(data.length % 8, 0)
        assert.ok(data.length > text.length)
        assert.deepEqual(crypt.desDecode(secret, data, padding), Buffer.from(text))
      }),
    )
  })

  test('desDecode(), base64Decode() and hexDecode() read what Skynet wrote', () => {
    for (const { key, plain, padding, out } of vectors.des!) {
      assert.deepEqual(crypt.desDecode(hex(key), hex(out), padding as 'pkcs7'), hex(plain))
    }
    for (const { raw, out } of vectors.base64!) {
      assert.deepEqual(crypt.base64Decode(`${out}`), hex(raw))
    }
    for (const { raw, out } of vectors.hexencode!) {
      assert.deepEqual(crypt.hexDecode(`${out}`), hex(raw))
    }
  })

  test('base64Decode() and hexDecode() give back what was encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        assert.deepEqual(crypt.base64Decode(crypt.base64Encode(bytes)), Buffer.from(bytes))
        assert.deepEqual(crypt.hexDecode(crypt.hexEncode(bytes)), Buffer.from(bytes))
      }),
    )
  })

  test('randomKey() gives eight bytes that do not cancel each other', () => {
    const keys = Array.from({ length: 2000 }, () => crypt.randomKey())
    for (const key of keys) {
      assert.equal(key.length, 8)
      assert.notEqual(
        key.reduce((all, byte) => all ^ byte),
        0,
      )
    }
    assert.equal(new Set(keys.map(crypt.hexEncode)).size, keys.length)
  })

  test('what is no string and no bytes is a TypeError that names the argument', () => {
    assert.throws(() => crypt.hashKey(1 as never), /'text' must be a string or a Uint8Array.*1/)
    assert.throws(() => crypt.hmac64('12345678', null as never), TypeError)
    assert.throws(() => crypt.desEncode('12345678', 'x', 'none' as never), /'padding'.*"none"/)
  })

  test('strings are UTF-8, and bytes may lie anywhere in a buffer', () => {
    assert.deepEqual(crypt.hashKey('ü中'), crypt.hashKey(Buffer.from('ü中')))
    const view = new Uint8Array(Buffer.from('__payload_')).subarray(2, 9)
    assert.equal(crypt.base64Encode(view), Buffer.from('payload').toString('base64'))
    assert.deepEqual(crypt.base64Decode(new Uint8Array(Buffer.from('eA=='))), Buffer.from('x'))
  })
})
