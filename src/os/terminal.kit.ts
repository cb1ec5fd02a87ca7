/** A terminal of the system, for tests. */
import assert from 'node:assert/strict'
import { constants, openSync } from 'node:fs'
import { createRequire } from 'node:module'

/** What a terminal program holds, and what a program that runs in it does. Close both. */
export function openTerminal(): { readonly outside: number; readonly inside: number } {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const libc = koffi.load(null)
  const { O_RDWR, O_NOCTTY } = constants
  const outside = libc.func('int posix_openpt(int flags)')(O_RDWR | O_NOCTTY) as number
  assert.ok(outside >= 0, 'the system has a terminal to give')
  assert.equal(libc.func('int grantpt(int fd)')(outside), 0)
  assert.equal(libc.func('int unlockpt(int fd)')(outside), 0)
  const name = libc.func('const char *ptsname(int fd)')(outside) as string
  return { outside, inside: openSync(name, O_RDWR | O_NOCTTY) }
}
