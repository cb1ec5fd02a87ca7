/**
 * Two UDP sockets of one program. Prints what the second receives of what the first has sent.
 *
 *   npm run build && node dist/bench/models/datagrams.js
 */
import { compactAddress } from '../../src/os/compact.ts'
import { errorText } from '../../src/os/errno.ts'
import type { SocketAddress } from '../../src/os/os.ts'
import { posixOs } from '../../src/os/posix.ts'

const os = posixOs()
const ANYWHERE: SocketAddress = { family: 4, host: '127.0.0.1', port: 0 }
const [far, near, gone] = [os.datagram(4), os.datagram(4), os.datagram(4)]
for (const fd of [far, near, gone]) os.bindDatagram(fd, ANYWHERE)
const addressOf = (fd: number): Uint8Array => compactAddress(os.localAddress(fd) as SocketAddress)
const nobody = addressOf(gone)
os.close(gone)

/** A datagram and, behind it, where it came from. */
const region = os.region(new SharedArrayBuffer(64 * 1024 + 32))

function send(text: string, to = addressOf(near)): string {
  const count = os.sendTo(far, Buffer.from(text), 0, text.length, to)
  return count < 0 ? errorText(count) : `${count} sent`
}

function receive(room = 64 * 1024): string {
  const count = os.receiveFrom(near, region, 0, room)
  return count < 0 ? errorText(count) : `'${region.bytes.toString('latin1', 0, count)}'`
}

const show = (what: string, result: string): void => console.log(`${what.padEnd(36)}${result}`)

for (const text of ['one', 'two', 'three']) send(text)
show('three sends, three reads', [receive(), receive(), receive()].join(' '))
show('a read more', receive())
send('')
show('an empty datagram', receive())
send('abcdef')
show('6 bytes, room for 4', receive(4))
show('the other 2', receive())
show('65,507 bytes', send('x'.repeat(65_507)))
receive()
show('one more', send('x'.repeat(65_508)))
show('to a port where nobody is', send('hello', nobody))
let sent = 0
for (let i = 0; i < 10_000; i++) if (send('x'.repeat(1000)).endsWith('sent')) sent++
let received = 0
while (receive().startsWith("'")) received++
show('10,000 sends, nobody reads', `${sent} sent, ${received < sent ? 'fewer' : 'all'} received`)
for (const fd of [far, near]) os.close(fd)
