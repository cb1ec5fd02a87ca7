import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { REVOKED } from '../../testing/revoked.ts'
import { Certificates, type TcpTls } from './certificates.ts'
import { type CertificateName, tlsOf } from './tcp.kit.ts'

const BROKEN = '\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

const made = (tls: unknown, node = 'a'): Certificates =>
  new Certificates('join', tls as TcpTls, node)

// Proves: docs/cluster-tcp.md#tls-name
test('a node takes a certificate that has its name, alone or among others', () => {
  for (const name of ['a', 'next', 'shared', 'stranger'] as const) {
    const { current, hasFiles } = made(tlsOf(name))
    assert.deepEqual(current, tlsOf(name))
    assert.equal(hasFiles, false)
  }
})

// Proves: docs/cluster-tcp.md#tls-checked
test('what is wrong with certificates is named, and no key is in an error', () => {
  const good = tlsOf('a')
  const key = (of: CertificateName): string => tlsOf(of).key
  const wrong: [unknown, RegExp][] = [
    [null, /'tls' must be a plain object/],
    [{ ...good, ca: undefined }, /'tls\.ca'/],
    [{ ...good, cert: 7 }, /'tls\.cert' must be .*7$/],
    [{ ...good, pfx: 'x' }, /pfx/],
    [{ ...good, crl: 7 }, /'tls\.crl' must be .*7$/],
    [{ ...good, crl: '/nowhere/crl.pem' }, /'tls\.crl' .*\(ENOENT: .*nowhere\/crl\.pem"$/],
    [{ ...good, crl: good.cert }, /'tls\.crl' must be lists of revoked certificates in PEM/],
    [
      { ...good, cert: '/nowhere/a.pem' },
      /'tls\.cert' .*\(ENOENT: .*\): current value is "\/nowhere\/a\.pem"$/,
    ],
    [
      { ...good, ca: good.key },
      /'tls\.ca' must be a certificate in PEM, or a file of one: current value is "PEM"$/,
    ],
    [{ ...good, cert: '-----BEGIN CERTIFICATE-----' }, /'tls\.cert' must be a certificate in PEM/],
    [{ ...good, cert: good.cert + BROKEN }, /'tls\.cert' .* of one, number 2 in there too:/],
    [{ ...good, ca: good.ca + BROKEN }, /'tls\.ca' .* of one, number 2 in there too:/],
    [{ ...good, ca: good.ca + good.ca.slice(0, 200) }, /'tls\.ca' .*number 2/],
    [tlsOf('b'), /'tls\.cert' must be a certificate of this node: with subjectAltName=DNS:a/],
    [tlsOf('upper'), /'tls\.cert' .*DNS:a/],
    [tlsOf('bare'), /'tls\.cert' .*DNS:a/],
    [tlsOf('expired'), /'tls\.cert' must be good now, and not from .* 2020 GMT to .* 2021 GMT/],
    [{ ...good, key: key('b') }, /'tls\.key' must be the private key of 'tls\.cert' in PEM/],
    [{ ...good, key: good.cert }, /'tls\.key' must be the private key/],
  ]
  for (const [tls, message] of wrong) {
    assert.throws(
      () => made(tls),
      (error: Error) => {
        assert.match(error.message, message)
        assert.equal(error.message.includes('PRIVATE'), false)
        return error instanceof TypeError
      },
    )
  }
})

// Proves: docs/cluster-tcp.md#tls-revoked
test('lists of revoked certificates are read from a file as the others are', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-certificates-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { none, a } = REVOKED.lists
  const crl = join(folder, 'crl')
  writeFileSync(crl, none)
  const certificates = made({ ...tlsOf('a'), crl })
  assert.equal(certificates.hasFiles, true)
  assert.equal(certificates.current.crl, none)
  writeFileSync(crl, none + a)
  const used: unknown[] = []
  assert.equal(await certificates.renew((read) => void used.push(read.crl)), true)
  assert.deepEqual(used, [none + a])
})

test('what stands between certificates and is none of them is left alone', () => {
  const good = tlsOf('a')
  const all = `of us\n${good.ca}theirs\n${tlsOf('stranger').ca}-----BEGIN OTHER-----\n`
  assert.equal(made({ ...good, ca: all }).current.ca, all)
})

test('certificates that nobody can use are told of until there are others', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-certificates-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const good = tlsOf('a')
  const cert = join(folder, 'cert')
  writeFileSync(cert, good.cert)
  const certificates = made({ ...good, cert })
  const used: string[] = []
  const renew = (): Promise<boolean> => certificates.renew((read) => void used.push(read.cert))
  for (const text of [good.cert + BROKEN, good.cert + BROKEN]) {
    writeFileSync(cert, text)
    await assert.rejects(renew(), /number 2/)
  }
  const next = `${good.cert}\n`
  writeFileSync(cert, next)
  const refuse = (): void => assert.fail('no context')
  await assert.rejects(certificates.renew(refuse), /no context/)
  assert.equal(certificates.current.cert, good.cert)
  assert.deepEqual([await renew(), await renew(), used], [true, false, [next]])
})
