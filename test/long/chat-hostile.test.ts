/** Clients of the chat that mean no good, or have bad luck: the others do not notice. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ChatClient } from '../support/chat-client.ts'
import { comeAndGo, startPair, stillTalk } from '../support/chat-visits.ts'
import { until } from '../support/until.ts'

const CROWD = fileURLToPath(new URL('../support/chat-crowd.js', import.meta.url))
const CONTROL = /(?!\t)\p{Cc}/u

suite('chat, hostile clients', () => {
  test('bytes that are no text or would steer a terminal are shown as U+FFFD', async (t) => {
    const { chat, ada, bob } = await startPair(t)
    const bytes = [
      0xff, 0xc3, 0x61, 0x00, 0x1b, 0x5b, 0x32, 0x4a, 0x07, 0x7f, 0xc2, 0x9b, 0x09, 0x62,
    ]
    ada.write(Buffer.from([...bytes, 0x0a]))
    assert.equal(await bob.next(), 'guest-1: ��a��[2J���\tb')
    ada.write('abc\u202Edef\u2028ghi\u2066\r\n')
    assert.equal(await bob.next(), 'guest-1: abc�def�ghi�')
    await stillTalk(ada, bob)
    chat.assertNoFault()
  })

  test('binary noise stays with lines, and harms nobody', async (t) => {
    const { chat, ada, bob } = await startPair(t)
    const random = randomBytes(20)
    for (let round = 0; round < 16; round++) ada.write(random(64 * 1024))
    ada.write('\nthe end\n')
    let last = ''
    while (last !== 'guest-1: the end') {
      last = await bob.next()
      assert.match(last, /^guest-1: /)
      assert.doesNotMatch(last, CONTROL)
    }
    // What she has said that is no command comes back to her, by its own way.
    bob.write('well\n')
    for (let line = ''; line !== 'guest-2: well'; assert.doesNotMatch(line, CONTROL)) {
      line = await ada.next()
    }
    await stillTalk(ada, bob)
    chat.assertNoFault()
  })

  test('1 MB without an end of line is answered by error: and the end', async (t) => {
    const { chat, ada, bob } = await startPair(t)
    const { sockets } = chat.node.stats()
    const eve = await ChatClient.open(chat.port)
    eve.write(Buffer.alloc(1024 * 1024, 'x'))
    assert.match(await eve.next(), /^error: /)
    await eve.closed()
    await stillTalk(ada, bob)
    await until('the end of the socket', () => chat.node.stats().sockets === sockets)
    chat.assertNoFault()
  })

  test('who never reads while its room talks is dropped; the others hear all', async (t) => {
    const { chat, ada, bob } = await startPair(t)
    const { services, sockets } = chat.node.stats()
    const eve = await ChatClient.open(chat.port)
    eve.socket.pause()
    // The kernel's buffers on both sides take some megabytes before the chat's 1 MiB is reached.
    const [batch, batchesMax] = [64, 512]
    let said = 0
    for (; chat.node.stats().services > services; said += batch) {
      assert.ok(said < batch * batchesMax, `not dropped after ${said} lines of 4 KiB`)
      for (let n = 1; n <= batch; n++) ada.write(`${`${said + n}`.padEnd(4096, '.')}\n`)
      for (let n = 1; n <= batch; n++) {
        assert.equal(Number.parseInt((await bob.next()).slice('guest-1: '.length), 10), said + n)
      }
    }
    // The order to close it leaves with the end of its service, to another thread.
    await until('the end of the socket', () => chat.node.stats().sockets === sockets)
    assert.equal(await bob.ask('/who'), 'lobby: guest-1, guest-2')
    // The node warns at 1 MiB, 2 MiB and so on: never did more wait than the chat allows.
    assert.doesNotMatch(chat.log(), /WARNING: (?!1\d{3} )/)
    eve.socket.destroy()
    chat.assertNoFault()
  })

  test('10,000 connects and disconnects, half by RST, leave nothing behind', (t) =>
    comeAndGo(t, 10_000))

  test('kill -9 of half the clients: the others hear whole lines, in order', async (t) => {
    const { chat, ada, bob } = await startPair(t)
    const others = [bob]
    while (others.length < 9) others.push(await ChatClient.open(chat.port))
    const before = chat.node.stats()
    const crowd = spawn(process.execPath, [CROWD, `${chat.port}`, '10'])
    const exited = once(crowd, 'close')
    t.after(() => crowd.kill('SIGKILL'))
    await until('lines of the crowd', () => others.every(({ lines }) => lines.length > 1000))
    crowd.kill('SIGKILL')
    await exited
    await until('the end of their agents', () => chat.node.stats().services === before.services)
    ada.write('still here\n')
    for (const other of others) await hearsCrowd(other, 10, 'guest-1: still here')
    const names = Array.from({ length: 10 }, (_, n) => `guest-${n + 1}`)
    assert.equal(await bob.ask('/who'), `lobby: ${names.join(', ')}`)
    await until('the end of their sockets', () => chat.node.stats().sockets === before.sockets)
    chat.assertNoFault()
  })
})

/** Numbered lines of `count` others, each from 1 on without a gap, and then `end`. */
async function hearsCrowd(client: ChatClient, count: number, end: string): Promise<void> {
  const last = new Map<string, number>()
  for (let line = await client.next(); line !== end; line = await client.next()) {
    const [nick, text] = line.split(': ')
    assert.equal(Number(text), (last.get(nick!) ?? 0) + 1, line)
    last.set(nick!, Number(text))
  }
  assert.equal(last.size, count)
}

/** The same bytes in every run. */
function randomBytes(seed: number): (length: number) => Buffer {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  }
  return (length) => Buffer.from(Array.from({ length }, next))
}
