/** docs/client.md lists what there is. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CLIENT_ERRORS } from '../../src/client/client-error.ts'

const ROOT = new URL('../../../', import.meta.url)
const page = readFileSync(new URL('docs/client.md', ROOT), 'utf8')

/** Names in the first column of a table of the page. */
function rowsOf(heading: string): string[] {
  const part = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`))!
  const first = [...part.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell]) => cell!)
  return first.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)).sort()
}

test('the page of the client has a row for each code of its errors', () => {
  assert.deepEqual(rowsOf('Errors'), Object.keys(CLIENT_ERRORS).sort())
})

test('the page of the client has a row for each option', () => {
  const types = readFileSync(new URL('src/client/connect-options.ts', ROOT), 'utf8')
  const [, body] = /interface ClientConnectOptions \{([\s\S]*?)\n\}/.exec(types)!
  const names = [...body!.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name!)
  assert.deepEqual(rowsOf('Options'), [...names, 'login'].sort())
})
