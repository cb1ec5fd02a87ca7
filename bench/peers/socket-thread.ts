/**
 * Entry: the socket server without its thread, so that its heap can be measured. It accepts, starts
 * and reads connections as a node does; here is nobody who reads its events.
 */
import { realClock } from '../../src/base/clock.ts'
import { COMMAND_RING_BYTES, POLL_EVENTS_MAX, SOCKET_RING_BYTES } from '../../src/base/limits.ts'
import { SocketClient } from '../../src/net/client/client.ts'
import { EVENT } from '../../src/net/event.ts'
import { Link } from '../../src/net/server/links.ts'
import { SocketServer } from '../../src/net/server/server.ts'
import { DEFAULT_SETTINGS } from '../../src/net/settings.ts'
import { SLOTS_BYTES, Slots } from '../../src/net/slots.ts'
import { Totals } from '../../src/net/totals.ts'
import { posixOs } from '../../src/os/posix.ts'
import { createDoorbellMemory, Doorbells } from '../../src/shm/doorbell.ts'
import { ManyRing, StreamRing } from '../../src/shm/ring.ts'
import { serve } from '../support/serve.ts'
import { settledMemory } from '../support/settled.ts'

const OWNER = 1
const [WORKER, SELF] = [0, 1]
/** Between them this process hears its parent. Each leaves garbage, so let there be few. */
const TURN_MS_MAX = 10
const EVENTS_MAX = 1000
const os = posixOs()
const bells = new Doorbells(createDoorbellMemory(2), { thread: SELF, wake: () => {} })
const commands = os.region(new SharedArrayBuffer(ManyRing.bytes(COMMAND_RING_BYTES)))
const stream = os.region(new SharedArrayBuffer(StreamRing.bytes(SOCKET_RING_BYTES)))
const slots = new Slots(new SharedArrayBuffer(SLOTS_BYTES))
const ring = new StreamRing(stream, 0, SOCKET_RING_BYTES)
const many = (): ManyRing => new ManyRing(commands, 0, COMMAND_RING_BYTES)
const clock = realClock(Date.now())
const totals = new Totals(Totals.memory(2), slots)
const server = new SocketServer({
  os,
  clock,
  slots,
  commands: { ring: many(), region: commands },
  bells,
  self: SELF,
  wakeupFd: os.createWakeup().readFd,
  links: [new Link(WORKER, stream, ring, bells, SELF)],
  workerOf: () => WORKER,
  settings: DEFAULT_SETTINGS,
  totals,
  eventsPerWait: POLL_EVENTS_MAX,
  log: (text) => process.stderr.write(`${text}\n`),
})
const options = {
  os,
  clock,
  slots,
  totals,
  commands: many(),
  bells,
  self: WORKER,
  socketThread: SELF,
}
const client = new SocketClient(options)

/** What comes goes back, as a service does it. */
function answer(
  kind: number,
  _owner: number,
  id: number,
  ud: number,
  at: number,
  length: number,
): void {
  if (kind === EVENT.ACCEPT) client.order('start', ud, OWNER)
  else if (kind === EVENT.DATA) client.send(id, stream.bytes.subarray(at, at + length), length)
  else if (kind === EVENT.CLOSE) client.order('close', id, OWNER)
}

function turn(): void {
  server.turn(TURN_MS_MAX)
  ring.read(EVENTS_MAX, answer)
  setImmediate(turn)
}

const listener = slots.reserve()
const fd = os.listen({ family: 4, host: '0.0.0.0', port: 0 }, 511)
const address = os.localAddress(fd)
client.order('listen', listener, fd, OWNER)
client.order('start', listener, OWNER)
turn()

serve({ port: () => (address as { port: number }).port, settledMemory })
