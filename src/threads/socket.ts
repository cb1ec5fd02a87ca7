/** Entry of the socket thread: build the server, and be its loop until it is told to leave. */
import { parentPort, workerData } from 'node:worker_threads'
import { realClock } from '../base/clock.ts'
import { wallNow } from '../base/event-loop.ts'
import { COMMAND_RING_BYTES, SOCKET_RING_BYTES } from '../base/limits.ts'
import { Handles } from '../kernel/handles.ts'
import { Link } from '../net/server/links.ts'
import { SocketServer } from '../net/server/server.ts'
import type { Socket } from '../net/server/socket.ts'
import { Slots } from '../net/slots.ts'
import { Totals } from '../net/totals.ts'
import { posixOs } from '../os/posix.ts'
import { Doorbells } from '../shm/doorbell.ts'
import { ManyRing, StreamRing } from '../shm/ring.ts'
import { pinThread } from './affinity.ts'
import { hasLoaded } from './loaded.ts'
import { socketThreadOf } from './memory.ts'
import type { Report, SocketStart, ThreadStart } from './protocol.ts'

const { memory, harbor, config, startedAt, wakeup, waitMs, loaded, koffi } =
  workerData as SocketStart & ThreadStart
const report = (message: Report): void => parentPort!.postMessage(message)

const os = posixOs({ koffi })
hasLoaded(loaded)
const self = socketThreadOf(memory)
const log = (text: string): void => {
  report({ kind: 'log', line: { at: wallNow(), level: 'error', handle: 0, title: '', text } })
}
pinThread(os, config.cpus, log)
const bells = new Doorbells(memory.bells, {
  thread: self,
  wake: () => os.signalWakeup(wakeup.writeFd),
})
const handles = new Handles(memory.handles, harbor)
const commands = os.region(memory.commands)
const links = memory.streams.map((stream, worker) => {
  const region = os.region(stream)
  return new Link<Socket>(worker, region, new StreamRing(region, 0, SOCKET_RING_BYTES), bells, self)
})
const clock = realClock(startedAt)
const acceptsHeld = new Int32Array(memory.acceptsHeld)
const slots = new Slots(memory.slots)
const server = new SocketServer({
  os,
  clock,
  slots,
  totals: new Totals(memory.totals, slots),
  commands: { ring: new ManyRing(commands, 0, COMMAND_RING_BYTES), region: commands },
  bells,
  self,
  wakeupFd: wakeup.readFd,
  links,
  areAcceptsHeld: () => {
    const until = Atomics.load(acceptsHeld, 0)
    return until !== 0 && ((clock.now() - until) | 0) < 0
  },
  workerOf: (owner) => handles.workerOf(owner),
  settings: config,
  eventsPerWait: config.eventsPerWait,
  log,
})
report({ kind: 'ready' })
server.run(waitMs)
const done = new Int32Array(memory.socketDone)
Atomics.store(done, 0, 1)
Atomics.notify(done, 0)
