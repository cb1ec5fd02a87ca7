/** A real browser, headless, for tests of what pages do. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome']
/** Root has no sandbox, and a container little shared memory. */
const FLAGS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu']
/** Nothing that works takes so long on a busy machine. */
const WAIT_MS_MAX = 60_000

/** What a test says that needs it where it is not installed. */
export const BROWSER_LEFT_OUT =
  'left out: what needs a browser, which is not installed: apt-get install chromium'

/** Where it is. Looked for by hand: to ask it for its version takes it a second. */
function command(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const paths = COMMANDS.flatMap((name) => folders.map((folder) => join(folder, name)))
  return paths.find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export const isBrowserInstalled = (): boolean => command() !== undefined

/** As Playwright takes it; `PHONE` is one. */
export type Screen = Pick<
  BrowserContextOptions,
  'colorScheme' | 'deviceScaleFactor' | 'hasTouch' | 'isMobile' | 'viewport'
>

export const DESKTOP: Screen = { viewport: { width: 1280, height: 800 } }
export const PHONE: Screen = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
}

export class TestBrowser implements AsyncDisposable {
  /** What pages have thrown, could not load, or written to their console as an error. */
  readonly faults: string[] = []
  readonly #browser: Browser

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async start(): Promise<TestBrowser> {
    const executablePath = command()
    if (executablePath === undefined) throw new Error(BROWSER_LEFT_OUT)
    const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false }
    const options = { executablePath, args: FLAGS, timeout: WAIT_MS_MAX, ...signals }
    return new TestBrowser(await chromium.launch(options))
  }

  /** Open a page, which shares nothing with the others: a visitor of its own. */
  async open(url: string, screen: Screen = DESKTOP): Promise<Page> {
    const context = await this.#browser.newContext(screen)
    context.setDefaultTimeout(WAIT_MS_MAX)
    const page = await context.newPage()
    page.on('pageerror', (error) => this.faults.push(String(error.stack ?? error)))
    page.on('console', (line) => {
      if (line.type() === 'error') this.faults.push(`${line.text()} (${line.location().url})`)
    })
    await page.goto(url)
    return page
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
  }
}
