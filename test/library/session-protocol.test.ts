/** docs/session-protocol.md has the tables of the wire, for who writes a client. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CLOSE_CODES } from '../../src/client/close-codes.ts'
import { decodeWire, FIELDS, FROM_CLIENT, FROM_SERVER } from '../../src/client/wire.ts'

const ROOT = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/session-protocol.md', ROOT), 'utf8')

const wordOf = (field: unknown): string =>
  Object.entries(FIELDS).find(([, each]) => each === field)![0]

test('the page has each message with its code and its fields', () => {
  const rows = new Set<string>()
  const add = (table: typeof FROM_CLIENT | typeof FROM_SERVER): void => {
    for (const [name, { code, fields }] of Object.entries(table)) {
      const isOfBoth = name in FROM_CLIENT && name in FROM_SERVER
      const side = isOfBoth ? 'both' : table === FROM_CLIENT ? 'client' : 'server'
      const list = Object.entries(fields).map(([name, field]) => `\`${name}\` ${wordOf(field)}`)
      rows.add(`| ${code} | ${side} | ${name.toUpperCase()} | ${[...list].join(', ')} |`)
    }
  }
  add(FROM_CLIENT)
  add(FROM_SERVER)
  const written = [...page.matchAll(/^\| \d+ \| (?:client|server|both) \|.*$/gm)].map(String)
  const same = [...rows].map((row) => row.replace('|  |', '| |'))
  assert.deepEqual(written, same)
})

test('the page has each reason to close', () => {
  const rows = Object.entries(CLOSE_CODES).map(([code, row]) => {
    const { webSocket, ends, retryMs, text } = row
    const back = retryMs === 0 ? '–' : `${retryMs / 1000} s`
    return `| \`${code}\` | ${webSocket} | ${ends ? 'ends' : 'stays'} | ${back} | ${text} |`
  })
  const written = [...page.matchAll(/^\| `[\w-]+` \| \d+ \|.*$/gm)].map(String)
  assert.deepEqual(written, rows)
})

test('the bytes on the page are those of the message', () => {
  const [, bytes] = /^`((?:[0-9a-f]{2} )+[0-9a-f]{2})` is REQUEST 1 to `draw`/m.exec(page)!
  const message = decodeWire(FROM_CLIENT, Buffer.from(bytes!.replaceAll(' ', ''), 'hex'))
  assert.deepEqual(
    { ...message, body: Buffer.from((message as { body: Uint8Array }).body).toString() },
    { kind: 'request', number: 1, flags: 0, name: 'draw', body: '{}' },
  )
})
