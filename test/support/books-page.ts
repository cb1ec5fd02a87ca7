/** A page whose client keeps books, for the gate of books. */
import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'

/** Compiled files stand where the sources stand. */
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const FILES: Readonly<Record<string, string>> = {
  '/client.js': fileURLToPath(import.meta.resolve('skynet-ts/client.js')),
  '/client-book.js': here('./client-book.js'),
  '/books-protocol.js': here('../fixtures/books-protocol.js'),
}

/** `await book.write()`, `await run(300)` and `book.report()` are for the test. */
const PAGE = `<!doctype html><title>books</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "skynet-ts/client": "./client.js" } }</script>
<script type="module">
import { connect } from 'skynet-ts/client'
import { books } from './books-protocol.js'
import { ClientBook } from './client-book.js'

const user = new URL(location.href).searchParams.get('user')
const url = '/books'
globalThis.client = connect(books, { url, login: { user }, retryMsMin: 10, retryMsMax: 300 })
globalThis.book = new ClientBook(user, client)
globalThis.run = async (count, atOnce = 4) => {
  for (let done = 0; done < count; done += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => book.write()))
  }
}
</script>`

export const booksPage: RequestListener = ({ url = '/' }, response) => {
  const file = FILES[url.split('?', 1)[0]!]
  const type = file === undefined ? 'text/html' : 'text/javascript'
  response.setHeader('content-type', type)
  response.end(file === undefined ? PAGE : readFileSync(file))
}
