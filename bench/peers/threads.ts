/** Entry: requests and messages by postMessage, to another thread and within this one. */
import { MessageChannel, Worker } from 'node:worker_threads'
import { chatMessage, type Pace, paceCalls, Sender } from '../support/pace.ts'
import { serve } from '../support/serve.ts'
import { answerOn, type FromPeer, moved, type ToPeer } from './threads-peer.ts'

const cells = new Int32Array(new SharedArrayBuffer(8))
const worker = new Worker(new URL('./threads-peer.js', import.meta.url), { workerData: cells })

/** Something to post to, and what comes back from it. */
interface Port {
  postMessage(message: ToPeer): void
  on(event: 'message', listener: (message: FromPeer) => void): unknown
}

function messenger(port: Port) {
  const waiting = new Map<number, (value: number) => void>()
  let lastSession = 0
  port.on('message', (message) => {
    if (message.kind === 'acked') {
      sender.acked(message.count)
      return
    }
    waiting.get(message.session)!(message.value)
    waiting.delete(message.session)
  })
  const sender = new Sender((at) => port.postMessage({ kind: 'chat', message: chatMessage(at) }))
  const call = (value: number): Promise<number> =>
    new Promise((resolve) => {
      const session = ++lastSession
      waiting.set(session, resolve)
      port.postMessage({ kind: 'ask', session, value })
    })
  return { call, sender }
}

/** A value goes to the other thread and comes back by waking alone: nothing is carried. */
async function wake(value: number): Promise<number> {
  const before = Atomics.load(cells, 1)
  Atomics.add(cells, 0, 1)
  Atomics.notify(cells, 0)
  await moved(cells, 1, before)
  return value
}

const { port1, port2 } = new MessageChannel()
answerOn(port2)
const messengers = { same: messenger(port1), across: messenger(worker) }
type Where = keyof typeof messengers

serve({
  call: ({ where, ...pace }: Pace & { where: Where; concurrent: number }) =>
    paceCalls(messengers[where].call, pace),
  send: ({ where, ...pace }: Pace & { where: Where }) => messengers[where].sender.pace(pace),
  wake: (pace: Pace) => paceCalls(wake, { ...pace, concurrent: 1 }),
})
