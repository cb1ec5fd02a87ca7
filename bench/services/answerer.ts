/** The callee and the receiver. */
import { defineService } from 'skynet-ts'
import { type ChatMessage, Receiver } from '../support/pace.ts'
import type messenger from './messenger.ts'

export default defineService((skynet, boss: number) => {
  const sender = skynet.ref<typeof messenger>(boss)
  const receiver = new Receiver((count) => void sender.send.acked(skynet.self, count))
  return {
    echo: (value: number) => value,
    receive: (message: ChatMessage) => receiver.receive(message),
  }
})
