import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { ClientLink, ClientLinkEvents, ClientLinkMaker } from '../../client/client-link.ts'
import { Random } from '../sim/random.ts'
import { FaultyLinks, type LoadFaults } from './faulty-links.ts'

/** Connections in memory, which keep what is sent and are told what comes. */
class Server implements ClientLinkMaker {
  readonly links: { readonly events: ClientLinkEvents; sent: number; isClosed: boolean }[] = []

  open(events: ClientLinkEvents): ClientLink {
    const link = { events, sent: 0, isClosed: false }
    this.links.push(link)
    return {
      send: () => {
        link.sent++
      },
      close: () => {
        link.isClosed = true
      },
    }
  }
}

/** Where there is no network there would be no end of them. */
const ENDS_MAX = 1000

/** A client that connects again as soon as it is told the end. */
function run(faults: LoadFaults, seed: number) {
  const server = new Server()
  const random = new Random(seed)
  const counts = { made: 0, cut: 0 }
  const links = new FaultyLinks(server, faults, () => random.next() / 2 ** 32, counts)
  const heard: number[] = []
  const ends: string[] = []
  let link: ClientLink
  const open = (): void => {
    link = links.open({
      opened: () => {},
      heard: ([message]) => heard.push(message!),
      closed: (reason) => {
        if (ends.push(reason) < ENDS_MAX) open()
      },
    })
    server.links.at(-1)?.events.opened()
  }
  open()
  const says = (message: number): void => {
    server.links.at(-1)!.events.heard(new Uint8Array([message]))
  }
  return { server, links, counts, heard, ends, says, send: () => link.send(new Uint8Array(1)) }
}

test('without faults everything passes', () => {
  const { server, counts, heard, ends, says, send } = run({}, 1)
  for (let i = 0; i < 100; i++) {
    says(i)
    send()
  }
  assert.equal(heard.length, 100)
  assert.equal(server.links[0]!.sent, 100)
  assert.deepEqual([counts, ends], [{ made: 1, cut: 0 }, []])
})

// Proves: docs/load.md#cuts
test('cuts: a message, either way, is lost with its connection, as the seed says', async () => {
  const once = async (seed: number) => {
    const { server, links, counts, heard, ends, says, send } = run({ cuts: 0.05 }, seed)
    for (let i = 0; i < 250; i++) {
      says(i)
      send()
      await turn()
    }
    const sent = server.links.reduce((sum, each) => sum + each.sent, 0)
    assert.equal(heard.length + sent + counts.cut, 500)
    assert.equal(ends.length, counts.cut)
    assert.equal(counts.made, counts.cut + 1)
    const unseen = server.links.slice(0, -1).filter(({ isClosed }) => !isClosed)
    assert.ok(unseen.length > 0 && unseen.length < counts.cut, 'the server is told of some')
    links.close()
    assert.ok(server.links.slice(0, -1).every(({ isClosed }) => isClosed))
    return heard
  }
  const first = await once(3)
  assert.ok(first.length < 250 && first.length > 200, `${first.length} heard`)
  assert.deepEqual(await once(3), first)
  assert.notDeepEqual(await once(4), first)
})

test('what is sent behind a message that was lost is lost as well', async () => {
  const { server, counts, send } = run({ cuts: 0.5 }, 2)
  for (let i = 0; i < 100; i++) send()
  await turn()
  const { sent } = server.links[0]!
  assert.ok(sent < 20, `${sent} were sent, then one was lost`)
  assert.equal(counts.cut, 1)
})

test('what comes over a connection that was cut, and is open for the server, is not heard', () => {
  const { server, heard, ends, says } = run({ cuts: 1 }, 5)
  says(1)
  server.links[0]!.events.heard(new Uint8Array([2]))
  server.links[0]!.events.closed('too late')
  assert.deepEqual([heard, ends], [[], ['cut on purpose']])
})

test('awayMs: after a cut there is no network for a while', async () => {
  const { server, ends, says } = run({ cuts: 1, awayMs: 1e9 }, 6)
  says(1)
  await turn()
  await turn()
  assert.equal(server.links.length, 1)
  assert.deepEqual(ends.slice(0, 2), ['cut on purpose', 'no network on purpose'])
})

// Proves: docs/load.md#slow-readers
test('slowReaders: messages come one by one, later', async () => {
  const { heard, says } = run({ slowReaders: 1, slowMs: 1 }, 7)
  for (const message of [1, 2, 3]) says(message)
  assert.deepEqual(heard, [])
  while (heard.length < 3) await turn()
  assert.deepEqual(heard, [1, 2, 3])
})
