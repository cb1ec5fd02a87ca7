/** The page, by HTTP: a few files, each read when somebody asks for it. */
import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import * as modules from 'node:module'

const here = (path: string): URL => new URL(path, import.meta.url)

/** What may be asked for; nothing else is looked up. */
const FILES: Readonly<Record<string, URL>> = {
  '/': here('./public/index.html'),
  '/style.css': here('./public/style.css'),
  '/icon.svg': here('./public/icon.svg'),
  '/page.js': here('./public/page.js'),
  '/sheet.js': here('./public/sheet.js'),
  // What the server imports too, and the client, as it is published.
  '/protocol.js': here(`./protocol${import.meta.url.slice(-3)}`),
  '/client.js': new URL(import.meta.resolve('skynet-ts/client.js')),
}
/** Where Node.js runs sources as they are, from 22.18 on, a page gets them without their types. */
async function read(file: URL): Promise<Buffer> {
  const bytes = await readFile(file)
  if (!file.pathname.endsWith('.ts')) return bytes
  return Buffer.from(modules.stripTypeScriptTypes(bytes.toString()))
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  ts: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** @param ways Other ways to the sheet, for people: the page asks for them. */
export function pages(ways: object): RequestListener {
  return async ({ method, url = '/' }, response) => {
    const path = url.split('?', 1)[0]!
    if (path === '/ways.json') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(ways))
      return
    }
    const file = Object.hasOwn(FILES, path) ? FILES[path]! : undefined
    if (file === undefined || (method !== 'GET' && method !== 'HEAD')) {
      response.writeHead(file === undefined ? 404 : 405).end()
      return
    }
    const type = TYPES[file.pathname.split('.').at(-1)!]
    try {
      const bytes = await read(file)
      const headers = { 'content-type': type, 'content-length': bytes.length }
      response.writeHead(200, { ...headers, 'cache-control': 'no-cache' }).end(bytes)
    } catch {
      response.writeHead(500).end()
    }
  }
}
