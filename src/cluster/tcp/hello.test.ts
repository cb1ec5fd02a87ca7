/** The bytes of version 1, as other programs of it expect them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helloBytes, isProof, proofOf, readHello } from './hello.ts'

const DIALLER = {
  min: 1,
  max: 1,
  nonce: Buffer.from(Array.from({ length: 32 }, (_, i) => i)),
  instance: '0123456789abcdef0123456789abcdef',
  node: 'a',
  cluster: 'skynet',
}
const ACCEPTOR = { ...DIALLER, nonce: Buffer.alloc(32, 0xee), instance: 'ff'.repeat(16), node: 'ö' }
const HELLOS = [helloBytes(DIALLER), helloBytes(ACCEPTOR)]
const SECRET = 'of the whole cluster, nobody else'

test('a hello has magic, versions, nonce, instance and two names', () => {
  assert.equal(
    HELLOS[0]!.toString('hex'),
    '534b5443' +
      '0101' +
      '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f' +
      '0123456789abcdef0123456789abcdef' +
      '0161' +
      '06736b796e6574',
  )
  for (const [index, hello] of [DIALLER, ACCEPTOR].entries()) {
    assert.deepEqual(readHello(HELLOS[index]!), hello)
  }
})

test('what a later version has behind the names is no reason to refuse', () => {
  assert.deepEqual(readHello(Buffer.concat([HELLOS[0]!, Buffer.from('more')])), DIALLER)
})

test('a proof is HMAC-SHA256 over who proves, and the lengths and bytes of both hellos', () => {
  assert.equal(
    proofOf(SECRET, 'dial', HELLOS).toString('hex'),
    '974e6246fe0819dfa8cb64a1303c1b4e5232674f590f29f3de491cf10b2cf3ee',
  )
  assert.equal(
    proofOf(SECRET, 'accept', HELLOS).toString('hex'),
    'f4faa98baff088f79cf9d78b57e5bc5c501fdd970b65c754a062b114be58ddf8',
  )
  assert.equal(
    proofOf('', 'dial', HELLOS).toString('hex'),
    '6ab984bc5da0cef486ca974df1cd73a0d6bfb052912cb010e17df44e77cec17d',
  )
})

test('isProof() is false for what is shorter, longer or another one', () => {
  const proof = proofOf(SECRET, 'dial', HELLOS)
  assert.equal(isProof(Buffer.from(proof), proof), true)
  const others = [proof.subarray(1), Buffer.concat([proof, proof]), Buffer.alloc(32)]
  for (const other of others) assert.equal(isProof(other, proof), false)
})
