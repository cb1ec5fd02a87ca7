/** What pages do in a real browser. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { BooksNode } from '../support/books-node.ts'
import { BROWSER_LEFT_OUT, isBrowserInstalled, PHONE, TestBrowser } from '../support/browser.ts'
import type { BookReport } from '../support/client-book.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { seedOf } from '../support/seed.ts'
import { faultsOf } from '../support/session-books.ts'
import { until } from '../support/until.ts'

const isInstalled = isBrowserInstalled()

if (!isInstalled) test('pages in a browser', (t) => t.diagnostic(BROWSER_LEFT_OUT))

const PAGE = `<!doctype html><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"><script type="module">
document.title = (await (await fetch('/count')).text()) + ' of ' + innerWidth
</script>`

if (isInstalled) {
  test('the browser runs modules, on a screen of a phone, and tells what fails', async (t) => {
    let count = 0
    const server = createServer(({ url }, answer) => {
      answer.setHeader('content-type', 'text/html')
      answer.end(url === '/count' ? `${++count}` : PAGE)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    await using proxy = await CuttingProxy.to((server.address() as AddressInfo).port)
    await using browser = await TestBrowser.start()
    const page = await browser.open(`http://127.0.0.1:${proxy.port}`, PHONE)
    await page.waitForFunction("document.title === '1 of 390'")
    assert.deepEqual(browser.faults, [])
    proxy.down()
    assert.equal(await page.evaluate("fetch('/count').catch((error) => error.name)"), 'TypeError')
    assert.equal(count, 1)
    proxy.up()
    assert.equal(await page.evaluate("fetch('/count').then((answer) => answer.text())"), '2')
    await page.evaluate("setTimeout(() => { throw new Error('of the page') })")
    await until('what it has thrown', () => /of the page/.test(browser.faults.join()))
  })
}

const reportOf = (page: Page): Promise<BookReport> => page.evaluate('book.report()')

const CALLS = 400
const CALLS_AT_A_TIME = 40
const CUT_SHARE = 0.02
const USERS = ['user-1', 'user-2', 'user-3']

/** What each page believes is what the agents have written; a session was never lost. */
function assertTrue(node: BooksNode, reports: readonly BookReport[], calls: number): void {
  const ledger = node.ledger()
  for (const report of reports) {
    assert.deepEqual(faultsOf(report, ledger), [])
    assert.deepEqual(report.failed, [])
    assert.equal(report.answered.length, calls)
    assert.equal(ledger.get(report.user)!.size, calls)
    assert.equal(report.sessions, 1)
  }
}

if (isInstalled) {
  // Proves: docs/client.md#once, #events, #page
  test('pages whose connections are cut on 2 % of the answers: each call runs once', async (t) => {
    const seed = seedOf()
    t.diagnostic(`SEED=${seed}`)
    await using node = await BooksNode.start()
    await using browser = await TestBrowser.start()
    const pages = await Promise.all(USERS.map((user) => browser.open(node.url(user))))
    node.proxy.reseed(seed)
    // Of chunks: most have one answer, and its events.
    node.proxy.cutChance = 0.05
    let calls = 0
    while (calls < CALLS || node.proxy.cuts < calls * pages.length * CUT_SHARE) {
      await Promise.all(pages.map((page) => page.evaluate(`run(${CALLS_AT_A_TIME}, 1)`)))
      calls += CALLS_AT_A_TIME
    }
    node.proxy.cutChance = 0
    await Promise.all(pages.map((page) => page.evaluate('book.settle()')))
    t.diagnostic(`${calls} calls of each page, ${node.proxy.cuts} cuts`)
    assertTrue(node, await Promise.all(pages.map(reportOf)), calls)
  })

  // Proves: docs/client.md#once, #awake
  test('a page whose network is taken away goes on when it is back', async () => {
    await using node = await BooksNode.start()
    await using browser = await TestBrowser.start()
    const page = await browser.open(node.url('user-7'))
    await page.evaluate('run(100)')
    for (let away = 0; away < 3; away++) {
      await page.context().setOffline(true)
      node.proxy.down()
      await page.waitForFunction("client.state === 'waiting'")
      // What is asked meanwhile waits.
      await page.evaluate('globalThis.waiting = run(100, 20), 0')
      await page.waitForTimeout(300)
      node.proxy.up()
      await page.context().setOffline(false)
      await page.evaluate('waiting')
    }
    await page.evaluate('book.settle()')
    const report = await reportOf(page)
    assertTrue(node, [report], 400)
    assert.ok(report.cuts >= 3)
  })

  // Proves: docs/session.md#resume
  test('a network that is silent and tells nothing is found out', async () => {
    await using node = await BooksNode.start()
    await using browser = await TestBrowser.start()
    const page = await browser.open(node.url('user-8'))
    await page.evaluate('run(100)')
    node.proxy.stall(['down'])
    await page.evaluate('globalThis.waiting = run(100), 0')
    await until('the calls to wait', () => node.ledger().get('user-8')!.size > 100)
    // As when somebody opens the lid: the page asks whether anybody is there.
    node.proxy.cut()
    node.proxy.release()
    await page.evaluate('waiting')
    await page.evaluate('book.settle()')
    assertTrue(node, [await reportOf(page)], 200)
  })

  // Proves: docs/session.md#agent-ends
  test('an agent that dies: the page is told, and has another session', async () => {
    await using node = await BooksNode.start()
    await using browser = await TestBrowser.start()
    const page = await browser.open(node.url('user-3'))
    await page.evaluate('run(20)')
    await page.evaluate('globalThis.waiting = book.write(60_000), 0')
    await until('the call to run', () => node.ledger().get('user-3')!.size === 21)
    await node.desk.call.kill(3)
    await page.evaluate('waiting')
    await page.evaluate('run(20)')
    await page.evaluate('book.settle()')
    const report = await reportOf(page)
    assert.deepEqual(faultsOf(report, node.ledger()), [])
    assert.equal(report.answered.length, 40)
    assert.deepEqual(
      report.failed.map(([n]) => n),
      [21],
    )
    assert.equal(report.sessions, 2)
  })
}
