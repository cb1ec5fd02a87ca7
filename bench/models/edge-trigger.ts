/**
 * One socket, watched by two epolls: level-triggered, as ours is, and edge-triggered. Prints which
 * of them reports it as bytes come and go.
 *
 *   npm run build && node dist/bench/models/edge-trigger.js       (Linux)
 */
import { openLibc } from '../../src/os/libc.ts'
import { createEpoll } from '../../src/os/poll/epoll.ts'
import { INTEREST } from '../../src/os/poll/poller.ts'
import { posixOs } from '../../src/os/posix.ts'

const os = posixOs()
// A connection to ourselves: what is written to `far` can be read from `near`.
const listener = os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 1)
const far = os.socket(4)
os.connect(far, os.localAddress(listener)!)
const near = os.accept(listener)

const level = createEpoll(openLibc())
const edge = createEpoll(openLibc(), { isEdgeTriggered: true })
for (const poller of [level, edge]) poller.add(near, 0, INTEREST.read)

const region = os.region(new SharedArrayBuffer(64))
const [tags, ready] = [new Uint32Array(1), new Uint8Array(1)]
const send = (text: string): number => os.write(far, Buffer.from(text), 0, text.length)
const take = (count: number): number => os.read(near, region, 0, count)

/** Ask both. 20 ms are long for bytes that only cross the kernel. */
function ask(what: string): void {
  const [isLevel, isEdge] = [level, edge].map((poller) => poller.wait(tags, ready, 20) > 0)
  const text = (isReady: boolean | undefined): string => (isReady ? 'ready' : '-').padEnd(8)
  console.log(`${what.padEnd(36)}${text(isLevel)}${text(isEdge)}`.trimEnd())
}

console.log(`${''.padEnd(36)}level   edge`)
ask('nothing has come')
send('abcdef')
ask('6 bytes have come')
ask('nothing was read: asked again')
take(2)
ask('2 were read, 4 are left')
send('gh')
ask('2 more have come')
while (take(64) > 0);
ask('all was read')
os.shutdown(far, 'write')
ask('FIN has come')
ask('asked again')
for (const fd of [near, far, listener]) os.close(fd)
for (const poller of [level, edge]) poller.close()
