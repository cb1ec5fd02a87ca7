/** A chat with two who talk, and visitors who come and go: the two do not notice. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { ChatClient, type ChatNode, startChat } from './chat-client.ts'
import { heard } from './heard.ts'
import { until } from './until.ts'

export interface Pair {
  readonly chat: ChatNode
  readonly ada: ChatClient
  readonly bob: ChatClient
}

/** A chat with two good clients, `guest-1` and `guest-2`. */
export async function startPair(t: TestContext): Promise<Pair> {
  const chat = await startChat(t)
  return { chat, ada: await ChatClient.open(chat.port), bob: await ChatClient.open(chat.port) }
}

/** What each says, the other hears next. */
export async function stillTalk(ada: ChatClient, bob: ChatClient): Promise<void> {
  ada.write('are you there?\n')
  assert.equal(await bob.next(), 'guest-1: are you there?')
  bob.write('yes\n')
  assert.equal(await ada.next(), 'guest-2: yes')
}

/** So many visits, half of which end by RST: nothing is left of them. */
export async function comeAndGo(t: TestContext, visits: number): Promise<void> {
  const { chat, ada, bob } = await startPair(t)
  const before = chat.node.stats()
  let left = visits
  const visitor = async (): Promise<void> => {
    while (left > 0) await visit(chat.port, left--)
  }
  const visitors = Array.from({ length: 50 }, visitor)
  while (left > 0) await stillTalk(ada, bob)
  await Promise.all(visitors)
  const atRest = (): boolean => {
    const { services, sockets } = chat.node.stats()
    return services === before.services && sockets === before.sockets
  }
  await until('the end of every agent and socket', atRest)
  assert.deepEqual(chat.node.stats().load, before.load)
  assert.equal(await bob.ask('/who'), 'lobby: guest-1, guest-2')
  chat.assertNoFault()
}

/** Come and go: at once or after the welcome, by FIN or by RST. */
async function visit(port: number, number: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port }).on('error', () => {})
  await once(socket, 'connect')
  if ((number & 2) === 0) await heard(socket)
  else socket.resume()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  if ((number & 1) === 0) socket.end()
  else socket.resetAndDestroy()
  await closed
}
