/** UDP to link-local IPv6 addresses, which need the interface they are of: the zone. */
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { UdpAddress } from 'skynet-ts'
import { serviceTest } from '../support/run.ts'

/** An interface with a link-local address; undefined where there is none. */
function linkLocal(): { readonly host: string; readonly zone: string } | undefined {
  for (const [zone, addresses = []] of Object.entries(networkInterfaces())) {
    const own = addresses.find((each) => each.family === 'IPv6' && each.scopeid > 0)
    if (own !== undefined) return { host: `${own.address}%${zone}`, zone }
  }
  return undefined
}

const here = linkLocal()

// Proves: docs/semantics.md#datagram-from
serviceTest(
  import.meta.url,
  'UDP reaches a link-local address by its zone, and is answered by it',
  async (skynet) => {
    const unknown = { host: 'fe80::1%nowhere', port: 9 }
    await using any = await skynet.socket.udp({ host: '::', port: 0 })
    assert.throws(() => any.sendTo(unknown, 'x'), { code: 'ERR_INVALID_ARG_VALUE' })
    await assert.rejects(skynet.socket.udpDial(unknown), { code: 'ERR_CONNECT' })
    await assert.rejects(skynet.socket.connect(unknown), { code: 'ERR_CONNECT' })
    await assert.rejects(skynet.socket.udp({ ...unknown, port: 0 }), { code: 'ERR_BIND' })
    await assert.rejects(skynet.socket.listen({ ...unknown, port: 0 }), { code: 'ERR_LISTEN' })
    // What is below needs such an interface; the bytes of a zone are tested beside compact.ts.
    if (here === undefined) return
    const { host, zone } = here
    await using server = await skynet.socket.udp({ host, port: 0 })
    const { port } = server
    any.sendTo({ host, port }, 'by sendTo')
    any.sendTo(UdpAddress.of(host, port), 'by an address')
    await using dialled = await skynet.socket.udpDial({ host, port })
    dialled.send('by udpDial')
    await any.connect({ host, port })
    any.send('by connect')
    for (const text of ['by sendTo', 'by an address', 'by udpDial', 'by connect']) {
      const { data, from } = (await server.receive())!
      assert.equal(data.toString(), text)
      assert.match(from.host, /^fe80::[^%]+%\d+$/)
      assert.equal(UdpAddress.fromBytes(from.bytes).toString(), from.toString())
      server.sendTo(from, `${text}: got it`)
    }
    assert.equal((await dialled.receive())!.data.toString(), 'by udpDial: got it')
    for (const text of ['by sendTo', 'by an address', 'by connect']) {
      assert.equal((await any.receive())!.data.toString(), `${text}: got it`)
    }
    assert.equal(any.sendTo({ host: `ff02::1%${zone}`, port: 9 }, 'to all'), true)
    await any.drain()
  },
)
