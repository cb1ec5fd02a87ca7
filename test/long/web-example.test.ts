/** The example with the sheet in a real browser: on a desk, on a phone, and when it is cut off. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import {
  BROWSER_LEFT_OUT,
  DESKTOP,
  isBrowserInstalled,
  PHONE,
  TestBrowser,
} from '../support/browser.ts'
import { LineGuest, startWebExample } from '../support/web-example.ts'

const BOT = new URL('../../examples/web/bot.js', import.meta.url).pathname
const isInstalled = isBrowserInstalled()

if (!isInstalled) test('the sheet in a browser', (t) => t.diagnostic(BROWSER_LEFT_OUT))

const isIn = (page: Page, state: string) => page.waitForSelector(`body[data-state=${state}]`)
const has = (page: Page, id: string, text: string) =>
  page.waitForFunction(`document.getElementById('${id}').textContent === '${text}'`)
const textOf = (page: Page, id: string) => page.locator(`#${id}`).textContent()

/** A line with the mouse, in parts of the sheet: x from there to there, at that height. */
async function draw(page: Page, from: number, to: number, y: number): Promise<void> {
  const { x: left, y: top, width } = (await page.locator('#sheet').boundingBox())!
  const at = (part: number): [number, number] => [left + part * width, top + y * width]
  await page.mouse.move(...at(from))
  await page.mouse.down()
  await page.mouse.move(...at(to), { steps: 20 })
  await page.mouse.up()
}

/** How much of the sheet is painted, there where everybody sees it. */
const painted = (page: Page): Promise<number> =>
  page.evaluate(`(() => {
    const dry = document.getElementById('dry')
    const { data } = dry.getContext('2d').getImageData(0, 0, dry.width, dry.height)
    let count = 0
    for (let at = 3; at < data.length; at += 4) if (data[at] > 0) count++
    return count
  })()`)

if (isInstalled) {
  test('what one draws everybody sees, also who was cut off meanwhile', async (t) => {
    const { page: url, linePort, tcpPort, node } = await startWebExample(t)
    await using browser = await TestBrowser.start()
    const [ann, bob] = await Promise.all([browser.open(url, DESKTOP), browser.open(url, DESKTOP)])
    const cat = await browser.open(url, { ...PHONE, colorScheme: 'dark' })
    const all = [ann, bob, cat]
    await Promise.all(all.map((page) => isIn(page, 'open')))
    await bob.waitForFunction("document.querySelectorAll('#people li').length === 3")

    await draw(ann, 0.1, 0.9, 0.3)
    await has(ann, 'waiting', '0')
    const first = await textOf(ann, 'events')
    assert.ok(Number(first) > 0)
    await Promise.all(all.map((page) => has(page, 'events', first!)))
    assert.equal(await painted(bob), await painted(ann))
    // Where the hand of the other one is.
    await bob.waitForSelector('.pointer')

    // A finger on the phone.
    await cat.locator('#sheet').tap({ position: { x: 100, y: 200 } })
    await has(cat, 'answered', '1')

    // One stays away, and both go on.
    await ann.locator('#away').check()
    await isIn(ann, 'waiting')
    await bob.waitForSelector('#people li.away')
    await draw(ann, 0.1, 0.9, 0.5)
    await draw(bob, 0.1, 0.9, 0.7)
    await has(bob, 'waiting', '0')
    assert.notEqual(await textOf(ann, 'waiting'), '0')
    assert.notEqual(await painted(bob), await painted(ann))
    await ann.locator('#away').uncheck()
    await isIn(ann, 'open')
    await has(ann, 'waiting', '0')
    await has(ann, 'connections', '2')
    assert.match((await textOf(ann, 'note'))!, /The same session again/)

    // By text, and by a program.
    const ned = await LineGuest.open(t, linePort)
    await ned.asks('circle 1000 1000 800 violet', /ok/)
    const bot = spawn(process.execPath, [BOT, `tcp://127.0.0.1:${tcpPort}`], { stdio: 'ignore' })
    const [code] = await once(bot, 'exit')
    assert.equal(code, 0)

    // Cut off at once, while it draws.
    await ann.locator('#cut').click()
    await draw(ann, 0.9, 0.1, 0.9)
    await has(ann, 'waiting', '0')
    await isIn(ann, 'open')
    const last = await textOf(ann, 'events')
    await Promise.all(all.map((page) => has(page, 'events', last!)))
    assert.equal(await painted(bob), await painted(ann))
    for (const page of all) assert.equal(await textOf(page, 'wrong'), '0')
    assert.deepEqual(browser.faults, [])
    node.assertNoFault()
  })

  test('a page that comes later shows what there is, and clears it for all', async (t) => {
    const { page: url } = await startWebExample(t)
    await using browser = await TestBrowser.start()
    const ann = await browser.open(url, DESKTOP)
    await isIn(ann, 'open')
    await draw(ann, 0.2, 0.8, 0.5)
    await has(ann, 'waiting', '0')
    const bob = await browser.open(url, DESKTOP)
    await isIn(bob, 'open')
    const wanted = await painted(ann)
    assert.ok(wanted > 0)
    while ((await painted(bob)) !== wanted) await bob.waitForTimeout(20)
    await bob.locator('#clear').click()
    while ((await painted(ann)) > 0) await ann.waitForTimeout(20)
    assert.match((await textOf(ann, 'note'))!, /has cleared the sheet/)
    assert.deepEqual(browser.faults, [])
  })

  test('no page is wider than its screen', async (t) => {
    const { page: url } = await startWebExample(t)
    await using browser = await TestBrowser.start()
    for (const width of [320, 390, 700, 860, 1280, 1920]) {
      const screen = { viewport: { width, height: 800 } }
      const page = await browser.open(url, screen)
      await isIn(page, 'open')
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      assert.equal(wide, width)
      await page.context().close()
    }
  })
}
