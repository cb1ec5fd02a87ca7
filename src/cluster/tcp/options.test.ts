import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkTcp, type TcpClusterOptions } from './options.ts'

const SECRET = 'of the whole cluster, nobody else'
const GOOD: TcpClusterOptions = { name: 'a', listen: '127.0.0.1:7001', seed: '127.0.0.1:7001' }

test('the node whose address is the seed is the seed, by listen, advertise or nodes', () => {
  const open = { listen: '0.0.0.0:7001', secret: SECRET }
  const nodes = { a: '10.0.0.1:7001', b: '10.0.0.2:7001' }
  assert.equal(checkTcp(GOOD).seed, undefined)
  assert.equal(
    checkTcp({ name: 'a', ...open, seed: 'one:7001', advertise: 'one:7001' }).seed,
    undefined,
  )
  assert.equal(checkTcp({ name: 'a', nodes, secret: SECRET }).seed, undefined)
  assert.equal(checkTcp({ ...GOOD, seed: 'localhost:7001' }).seed, undefined)
  assert.equal(checkTcp({ ...GOOD, listen: 'localhost:7001', seed: '[::1]:7001' }).seed, undefined)
  assert.notEqual(checkTcp({ ...GOOD, seed: '127.0.0.2:7001' }).seed, undefined)
  const numbers = { 2: '127.0.0.1:2', 1: '127.0.0.1:1' }
  assert.equal(checkTcp({ name: '1', nodes: numbers }).seed, undefined)
  const b = checkTcp({ name: 'b', nodes, secret: SECRET })
  assert.deepEqual(b.seed, { place: { host: '10.0.0.1', port: 7001 }, node: 'a' })
  assert.deepEqual(b.listen, { host: '10.0.0.2', port: 7001 })
  assert.deepEqual(checkTcp({ ...GOOD, name: 'c', listen: '[::1]:0' }).seed, {
    place: { host: '127.0.0.1', port: 7001 },
    node: undefined,
  })
})

// Proves: docs/cluster-tcp.md#closed
test('without a secret whatever is not on this machine is refused, with what to do', () => {
  const nodes = { a: '127.0.0.1:1', b: '10.0.0.2:1' }
  const open: Partial<TcpClusterOptions>[] = [
    { listen: '0.0.0.0:7001' },
    { listen: '[::]:7001' },
    { advertise: '10.0.0.1:7001' },
    { seed: 'game.example:7001' },
    { seed: undefined, nodes },
  ]
  for (const options of open) {
    assert.throws(() => checkTcp({ ...GOOD, ...options }), {
      code: 'ERR_CLUSTER_AUTH',
      message: /set 'secret' of the cluster.*openssl rand -hex 32.*127\.0\.0\.1/,
    })
    checkTcp({ ...GOOD, ...options, secret: SECRET })
  }
  for (const host of ['127.0.0.1', '127.1.2.3', '[::1]', 'localhost']) {
    checkTcp({ ...GOOD, listen: `${host}:1`, seed: `${host}:1` })
  }
})

test('each process has an instance of its own', () => {
  assert.notEqual(checkTcp(GOOD).identity.instance, checkTcp(GOOD).identity.instance)
})

test('options that are wrong are named', () => {
  const wrong: [Partial<Record<keyof TcpClusterOptions, unknown>>, RegExp][] = [
    [{ name: '' }, /'name'/],
    [{ name: 'x'.repeat(65) }, /'name'.*at most 64 bytes/],
    [{ name: '\ud800' }, /'name'/],
    [{ name: 7 }, /'name'/],
    [{ cluster: '' }, /'cluster'/],
    [{ secret: 'short' }, /'secret'.*at least 16 bytes.*value is a string of length 5$/],
    [{ secret: '' }, /'secret'.*at least 16 bytes.*value is empty$/],
    [{ secret: 7 }, /'secret'.*value is of type number$/],
    [{ listen: undefined }, /'listen'/],
    [{ listen: '7001' }, /'listen'.*127\.0\.0\.1:7001/],
    [{ listen: '127.0.0.1:65536' }, /'listen'/],
    [{ listen: '::1:7001' }, /'listen'/],
    [{ seed: '127.0.0.1:0' }, /'seed'.*port from 1/],
    [{ seed: undefined }, /'seed'/],
    [{ nodes: { a: '127.0.0.1:1' } }, /'seed'.*not both/],
    [{ seed: undefined, nodes: {} }, /'nodes'/],
    [{ seed: undefined, nodes: { a: 'x' } }, /'nodes\.a'/],
    [{ seed: undefined, nodes: [] }, /'nodes'/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => checkTcp({ ...GOOD, ...options } as TcpClusterOptions), { message })
  }
  assert.throws(() => checkTcp({ ...GOOD, secrte: SECRET } as TcpClusterOptions), /secrte.*secret/)
})

test('a secret of 16 bytes is long enough, and in no error', () => {
  checkTcp({ ...GOOD, secret: 'x'.repeat(16) })
  const secret = 'fifteen letters'
  assert.throws(
    () => checkTcp({ ...GOOD, secret }),
    (error: Error) => !error.message.includes(secret),
  )
})
