/** The example with the sheet, by text, by HTTP, and by the client of Node.js. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { canvas, type Drawn, type Person } from '../../examples/web/protocol.ts'
import { LineGuest, startWebExample } from '../support/web-example.ts'

const PIECE = { colour: 1, width: 10, points: [0, 0, 2000, 2000] }

test('who comes by text draws on the sheet of the others, and sees theirs', async (t) => {
  const { node, tcpPort, linePort } = await startWebExample(t)
  const ned = await LineGuest.open(t, linePort)
  await ned.asks('name ned', /you are ned/)
  const client = connect(canvas, {
    transport: framedTcp({ port: tcpPort }),
    login: { name: 'ann' },
  })
  const drawn: Drawn[] = []
  const people: (readonly Person[])[] = []
  client.on('drawn', (piece) => void drawn.push(piece))
  client.on('people', (all) => void people.push(all))
  await client.ready
  await ned.hears(/\* ann has come/)
  await ned.asks('line 200 300 1800 900 red', /ok/)
  await ned.asks('circle 1000 1000 400', /ok/)
  while (drawn.length < 2) await sleep(5)
  assert.deepEqual(
    drawn.map(({ by, n, colour }) => [by, n, colour]),
    [
      ['ned', 1, 1],
      ['ned', 2, 0],
    ],
  )
  assert.deepEqual(
    people
      .at(-1)
      ?.map(({ name }) => name)
      .sort(),
    ['ann', 'ned'],
  )

  await client.call.draw({ id: 7, ...PIECE })
  const [sheet] = await ned.asks('look', /(?:[\u2800-\u28ff]{64}\n){32}/)
  // From corner to corner.
  assert.notEqual(sheet[0], '\u2800')
  assert.notEqual(sheet.at(-2), '\u2800')
  assert.equal(sheet[63], '\u2800')

  await ned.asks('line 1 2 3 four', /error: the sheet is 0 to 2000/)
  await ned.asks('line 1 2 3 4 mauve', /error: colours are ink red/)
  await ned.asks('constructor', /error: no command constructor/)
  await ned.asks('who', /ned, ann|ann, ned/)
  await client.call.clear()
  await ned.hears(/\* ann has cleared the sheet/)
  await client.close()
  await ned.hears(/\* ann has left/)
  node.assertNoFault()
})

test('what is no piece of a line is refused, and says why', async (t) => {
  const { node, tcpPort } = await startWebExample(t)
  const client = connect(canvas, {
    transport: framedTcp({ port: tcpPort }),
    login: { name: 'ann' },
  })
  const wrong = [
    { id: 1, ...PIECE, colour: 7 },
    { id: 1, ...PIECE, points: [1] },
    { id: 1, ...PIECE, points: [1, 2001] },
    { id: 1, ...PIECE, points: Array(514).fill(1) },
    { id: 1, ...PIECE, width: 81 },
    { id: 1.5, ...PIECE },
  ]
  for (const piece of wrong) {
    await assert.rejects(client.call.draw(piece), { code: 'ERR_MESSAGE_INVALID' })
  }
  await client.call.draw({ id: 1, ...PIECE })
  await client.close()
  for (const name of [' ', 'x'.repeat(21), '\u001b[2J', 'a\nb']) {
    const nobody = connect(canvas, { transport: framedTcp({ port: tcpPort }), login: { name } })
    await assert.rejects(nobody.ready, { closeCode: 'login' })
  }
  node.assertNoFault()
})

test('who comes later gets the picture, whole and in order', async (t) => {
  const { tcpPort } = await startWebExample(t)
  const enter = (name: string) => {
    return connect(canvas, { transport: framedTcp({ port: tcpPort }), login: { name } })
  }
  const ann = enter('ann')
  const points = Array.from({ length: 500 }, (_, at) => at)
  // More than fits into one part.
  for (let id = 1; id <= 30; id++) await ann.call.draw({ id, ...PIECE, points })
  const bob = enter('bob')
  const ids: number[] = []
  let parts = 0
  bob.on('picture', ({ isFirst, n, pieces }) => {
    assert.equal(isFirst, parts++ === 0)
    assert.equal(n, 30)
    ids.push(...pieces.map(({ id }) => id))
  })
  while (ids.length < 30) await sleep(5)
  assert.deepEqual(
    ids,
    Array.from({ length: 30 }, (_, at) => at + 1),
  )
  assert.ok(parts > 1)
  await Promise.all([ann.close(), bob.close()])
})

test('the page is a few files, and nothing else is to be had', async (t) => {
  const { page, tcpPort, linePort } = await startWebExample(t)
  const got = async (path: string, method = 'GET') => {
    const { status, headers } = await fetch(new URL(path, page), { method })
    return [status, headers.get('content-type')?.split(';')[0]]
  }
  assert.deepEqual(await got(''), [200, 'text/html'])
  for (const path of ['page.js', 'sheet.js', 'protocol.js', 'client.js']) {
    assert.deepEqual(await got(path), [200, 'text/javascript'], path)
  }
  assert.deepEqual(await got('style.css?v=1'), [200, 'text/css'])
  assert.deepEqual(await (await fetch(new URL('ways.json', page))).json(), { tcpPort, linePort })
  for (const path of ['room.js', '..%2fgate.js', 'constructor', 'public/page.js']) {
    assert.equal((await got(path))[0], 404, path)
  }
  assert.equal((await got('page.js', 'POST'))[0], 405)
})
