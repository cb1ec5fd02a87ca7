/** Asks a service of node a, and sends to it. */
import { defineService } from 'skynet-ts'
import { type Pace, paceCalls, Sender } from '../support/pace.ts'
import { serveFromService } from '../support/serve.ts'
import type answerer from './cluster-answerer.ts'

export default defineService(async (skynet) => {
  const peer = await skynet.cluster.query<typeof answerer>('a', '.answerer')
  let opened: Promise<void> | undefined
  let text = ''
  const sender = new Sender((at) => void peer.send.receive(at, text))
  serveFromService({
    call: (pace: Pace & { concurrent: number }) => paceCalls(peer.call.echo, pace),
    async send({ bytes, ...pace }: Pace & { bytes: number }) {
      opened ??= peer.call.open(skynet.selfRef())
      await opened
      text = 'x'.repeat(bytes)
      return sender.pace(pace)
    },
  })
  return { acked: (count: number): void => sender.acked(count) }
})
