/** Calls and sends to a service on its own worker, and to one on another. */
import { defineService } from 'skynet-ts'
import { chatMessage, type Pace, paceCalls, Sender } from '../support/pace.ts'
import { serveFromService } from '../support/serve.ts'
import type answerer from './answerer.ts'

type Where = 'same' | 'across'

export default defineService(async (skynet) => {
  const peer = async (where: Where) => {
    const on = where === 'same' ? skynet.worker : 1 - skynet.worker
    const ref = await skynet.newService<typeof answerer>('./answerer.ts', {
      args: [skynet.self],
      on,
    })
    const send = ref.send.receive
    return { ref, sender: new Sender((at) => void send(chatMessage(at))) }
  }
  const peers = { same: await peer('same'), across: await peer('across') }
  serveFromService({
    call: ({ where, ...pace }: Pace & { where: Where; concurrent: number }) =>
      paceCalls(peers[where].ref.call.echo, pace),
    send: ({ where, ...pace }: Pace & { where: Where }) => peers[where].sender.pace(pace),
  })
  return {
    acked: (from: number, count: number): void => {
      const { same, across } = peers
      const { sender } = from === same.ref.handle ? same : across
      sender.acked(count)
    },
  }
})
