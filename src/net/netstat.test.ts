import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { SocketAddress } from '../os/os.ts'
import { posixOs } from '../os/posix.ts'
import { addressOf, setSocketOption } from './descriptor.ts'
import { netstat } from './netstat.ts'
import { openListener, openUdp } from './open.ts'
import { PROTOCOL, SLOT, SLOTS_BYTES, Slots } from './slots.ts'
import { STATE } from './state.ts'

const LOCAL: SocketAddress = { family: 4, host: '127.0.0.1', port: 0 }
const refuse = (reason: string): never => assert.fail(reason)

function rig(t: TestContext) {
  const os = posixOs()
  const slots = new Slots(new SharedArrayBuffer(SLOTS_BYTES))
  /** What the socket thread writes when it is ordered to. */
  const adopt = (id: number, fd: number, state: number, protocol: number): void => {
    t.after(() => os.close(fd))
    const at = slots.at(id)
    slots.cells[at + SLOT.fd] = fd
    slots.cells[at + SLOT.state] = state
    slots.cells[at + SLOT.traits] = protocol
  }
  return { os, slots, thread: 3, adopt }
}

test('netstat() tells of a listener and of a UDP socket where they are', (t) => {
  const taker = rig(t)
  const tcp = openListener(taker, LOCAL, { backlog: 1 }, refuse)
  taker.adopt(tcp.id, tcp.fd, STATE.PLISTEN, PROTOCOL.stream)
  const udp = openUdp(taker, LOCAL, {}, refuse)
  taker.adopt(udp.id, udp.fd, STATE.CONNECTED, PROTOCOL.udp4)
  const found = netstat(taker)
  assert.deepEqual(
    found.map(({ id, state, protocol }) => [id, state, protocol]),
    [
      [tcp.id, 'PLISTEN', 'TCP'],
      [udp.id, 'CONNECTED', 'UDP'],
    ],
  )
  for (const { address } of found) assert.match(address, /^127\.0\.0\.1:\d+$/)
})

test('a socket without a descriptor has no address, and takes no option', (t) => {
  const taker = rig(t)
  const id = taker.slots.reserve()
  assert.equal(netstat(taker)[0]?.address, '')
  assert.equal(addressOf(taker, id, 'peer'), '')
  assert.equal(setSocketOption(taker, id, 'noDelay', 1), undefined)
  assert.equal(setSocketOption(taker, id + 1, 'noDelay', 1), undefined)
})

test('setSocketOption() sets it under the token, and gives that back', (t) => {
  const taker = rig(t)
  const { id, fd } = openListener(taker, LOCAL, { backlog: 1 }, refuse)
  taker.adopt(id, fd, STATE.LISTEN, PROTOCOL.stream)
  const token = taker.slots.at(id) + SLOT.token
  const seen: number[] = []
  const set = taker.os.setOption
  Object.assign(taker.os, {
    setOption: (...args: Parameters<typeof set>) => {
      seen.push(taker.slots.cells[token]!)
      return set.apply(taker.os, args)
    },
  })
  assert.equal(setSocketOption(taker, id, 'keepAlive', 1), 0)
  assert.equal(taker.os.getOption(fd, 'keepAlive'), 1)
  assert.deepEqual([seen, taker.slots.cells[token]], [[taker.thread + 1], 0])
})
