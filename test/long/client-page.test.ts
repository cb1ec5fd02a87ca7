/** A client in a real browser: cuts, no network, another load of the page, a page that leaves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { game } from '../fixtures/sproto-game.ts'
import { BROWSER_LEFT_OUT, isBrowserInstalled, TestBrowser } from '../support/browser.ts'
import { SessionServer, type StandInSession, written } from '../support/session-server.ts'
import { until } from '../support/until.ts'

const CODE = `
import { clientProtocol, connect, unchecked } from 'skynet-ts/client'
const protocol = clientProtocol({
  login: unchecked(),
  calls: { add: { request: unchecked(), response: unchecked() } },
  events: { line: unchecked() },
})
const storage = location.hash === '#kept' ? { storage: sessionStorage } : {}
window.lines = []
window.states = []
window.client = connect(protocol, { url: '/', login: { name: 'bob' }, retryMsMin: 20, ...storage })
window.client.on('line', (line) => window.lines.push(line))
window.client.onState((state, { isResumed }) => {
  window.states.push(isResumed ? state + ' again' : state)
})
`

const PLAYER_NAME = 'Übergroße Schildkröte mit einem langen Namen 🐢'
const SPROTO_CODE = `
import { connect } from 'skynet-ts/client'
import { game } from '../fixtures/sproto-game.js'
const player = {
  name: '${PLAYER_NAME}', level: -70000, speed: 0.1, gold: 12.34, alive: true,
  skin: Uint8Array.of(0, 255, 7), items: new Map([[7, { id: 7, name: 'sword' }]]),
  path: [1, 2, 2 ** 40],
}
const shown = ({ skin, items, ...others }) => ({ ...others, skin: [...skin], items: [...items] })
const client = connect(game, { url: '/', login: { name: 'bob' } })
const seen = client.events('seen').next()
window.result = {
  asked: shown(player),
  answered: shown(await client.call.echo(player)),
  seen: (await seen).value.name,
  hasBuffer: 'Buffer' in window,
}
`

interface SprotoResult {
  readonly asked: object
  readonly answered: object
  readonly seen: string
  readonly hasBuffer: boolean
}

interface Page {
  readonly client: {
    readonly state: string
    readonly call: { add(value: number): Promise<number> }
  }
  readonly lines: number[]
  readonly states: string[]
}
declare const window: Page

/** A page as a bundler of a user makes it. */
async function pageOf(contents: string): Promise<string> {
  const stdin = { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) }
  const options = { bundle: true, write: false, platform: 'browser', format: 'esm' } as const
  const { outputFiles } = await build({ stdin, ...options, minify: true, target: 'es2022' })
  const link = '<link rel="icon" href="data:,">'
  return `<!doctype html>${link}<script type="module">${outputFiles[0]!.text}</script>`
}

async function start(t: { after(fn: () => unknown): void }) {
  const added: number[] = []
  const add = (_session: unknown, value: unknown): number => added.push(value as number)
  const server = await new SessionServer({ add }, { keepMs: 20_000 }).start()
  t.after(() => server.stop())
  server.page = await pageOf(CODE)
  const browser = await TestBrowser.start()
  t.after(() => browser[Symbol.asyncDispose]())
  return { server, added, browser, url: server.url.replace('ws:', 'http:') }
}

if (isBrowserInstalled()) {
  // Proves: docs/client.md#once, #events, #awake
  test('a page outlives cuts and a network that goes away', async (t) => {
    const { server, added, browser, url } = await start(t)
    const page = await browser.open(url)
    await page.waitForFunction(() => window.client.state === 'open')
    const [session] = server.sessions
    for (let round = 0; round < 20; round++) {
      const calls = page.evaluate(async (from) => {
        const all = [0, 1, 2, 3, 4].map((i) => window.client.call.add(from + i))
        return (await Promise.all(all)).length
      }, round * 5)
      session!.push('line', written(round))
      server.cut()
      assert.equal(await calls, 5)
    }
    await page.context().setOffline(true)
    server.cut()
    await page.waitForFunction(() => window.client.state === 'waiting')
    const call = page.evaluate(() => window.client.call.add(100))
    session!.push('line', written(20))
    await page.context().setOffline(false)
    assert.equal(await call, 101)
    await page.waitForFunction(() => window.lines.length === 21)
    assert.deepEqual(
      await page.evaluate(() => window.lines),
      Array.from({ length: 21 }, (_, i) => i),
    )
    assert.deepEqual(
      added.sort((a, b) => a - b),
      Array.from({ length: 101 }, (_, i) => i),
    )
    assert.equal(server.sessions.length, 1)
    assert.deepEqual(
      browser.faults.filter((fault) => !/WebSocket connection to/.test(fault)),
      [],
    )
  })

  // Proves: docs/client.md#reload
  test('a page that is loaded again has its session, where it has a storage', async (t) => {
    const { server, browser, url } = await start(t)
    const page = await browser.open(`${url}/#kept`)
    await page.waitForFunction(() => window.client.state === 'open')
    await page.evaluate(() => window.client.call.add(1))
    for (let load = 2; load < 5; load++) {
      await page.reload()
      await page.waitForFunction(() => window.client.state === 'open')
      assert.deepEqual(await page.evaluate(() => window.states), ['open again'])
      assert.equal(await page.evaluate((value) => window.client.call.add(value), load), load)
    }
    server.sessions[0]!.push('line', written(7))
    await page.waitForFunction(() => window.lines.length === 1)
    assert.equal(server.sessions.length, 1)
    assert.deepEqual(browser.faults, [])
  })

  // Proves: docs/client.md#leaving
  test('a page that goes away without a storage ends its session', async (t) => {
    const { server, browser, url } = await start(t)
    const page = await browser.open(url)
    await page.waitForFunction(() => window.client.state === 'open')
    const { id } = server.sessions[0]!
    await page.reload()
    await page.waitForFunction(() => window.client.state === 'open')
    await until('the first session has ended', () => server.table.get(id) === undefined)
    assert.equal(server.sessions.length, 2)
  })

  // Proves: docs/client.md#sproto
  test('a page speaks sproto: what it asks comes back as it was, and events come', async (t) => {
    const echo = (session: StandInSession, value: unknown): unknown => {
      const { name } = value as { name: string }
      session.push('seen', game.bodies!.encode('event', 'seen', { name }))
      return value
    }
    const server = await new SessionServer({ echo }, {}, game.bodies).start()
    t.after(() => server.stop())
    server.page = await pageOf(SPROTO_CODE)
    await using browser = await TestBrowser.start()
    const page = await browser.open(server.url.replace('ws:', 'http:'))
    await page.waitForFunction('window.result !== undefined')
    const { asked, answered, seen, hasBuffer } = await page.evaluate<SprotoResult>('window.result')
    assert.deepEqual(answered, asked)
    assert.equal(seen, PLAYER_NAME)
    assert.equal(hasBuffer, false)
    assert.equal(server.sessions[0]!.user, 'bob')
    assert.deepEqual(browser.faults, [])
  })
} else test('clients in a browser', (t) => t.diagnostic(BROWSER_LEFT_OUT))
