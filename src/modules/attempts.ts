/**
 * Loads that failed. Node.js keeps a load that failed, under its URL, until the thread ends. So
 * another attempt has another URL: the same file with a query. There is one where the reason was a
 * passing one, or a file has changed since. Else nothing would be different, and each attempt stays
 * in memory.
 */
import { closeSync, constants, openSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { messageOf, placeOf } from '../base/thrown.ts'

/** What the system has too little of for now. Node.js 26 sometimes has the words alone. */
const PASSING = /\b(?:EMFILE|ENFILE|EAGAIN|ENOMEM|EIO|ESTALE)\b|too many open files/i
const KEPT =
  '; what this module imports failed before, and Node.js keeps that on this worker: ' +
  'start the node again'
/** Node.js 20 keeps that a package is not there, and the modules that want it do not change. */
const NO_PACKAGE = '; when it is installed, start the node again'

interface Attempts {
  /** Of those that failed; then the next one, or the one that was good, has this number. */
  count: number
  failure: Failure | undefined
}

interface Failure {
  readonly error: unknown
  /** It came from Node.js a second time: it is that of a module which this one imports. */
  readonly isKept: boolean
  /** The file that the error names, as a path, or ''. */
  readonly named: string
  /** Of the module and of that file. */
  readonly stamps: readonly [string, string]
}

/** By URL of the module itself. */
const attempts = new Map<string, Attempts>()

/** The URL by which Node.js knows the module: stacks have it. */
export function importedAs(href: string, module: string): string {
  const count = attempts.get(module)?.count ?? 0
  if (count === 0) return href
  return `${href}${new URL(href).search === '' ? '?' : '&'}again=${count}`
}

/**
 * Load a module, or throw what its last load failed with.
 *
 * @param module Its URL behind all links: one module for all of them.
 */
export async function attempt<T>(
  href: string,
  module: string,
  load: (href: string) => Promise<T>,
): Promise<T> {
  const failure = attempts.get(module)?.failure
  if (failure !== undefined && !isWorthIt(module, failure)) throw failure.error
  const stamp = stampOf(pathOf(module))
  checkReadable(module)
  try {
    const loaded = await load(importedAs(href, module))
    const made = attempts.get(module)
    if (made !== undefined) made.failure = undefined
    return loaded
  } catch (error) {
    const isKept = failure !== undefined && error === failure.error
    if (isKept) tell(error, KEPT)
    if (isOfPackage(error)) tell(error, NO_PACKAGE)
    const named = namedIn(error)
    const count = (attempts.get(module)?.count ?? 0) + 1
    const stamps = [stamp, stampOf(named)] as const
    attempts.set(module, { count, failure: { error, isKept, named, stamps } })
    throw error
  }
}

function isWorthIt(module: string, { error, isKept, named, stamps }: Failure): boolean {
  if (!isKept && PASSING.test(messageOf(error))) return true
  return stampOf(pathOf(module)) !== stamps[0] || stampOf(named) !== stamps[1]
}

/** What the system refuses for now is not asked of Node.js, which would keep the answer. */
function checkReadable(module: string): void {
  if (!module.startsWith('file:')) return
  try {
    closeSync(openSync(new URL(module), constants.O_RDONLY | constants.O_NONBLOCK))
  } catch (error) {
    if (PASSING.test(messageOf(error))) throw error
    // Node.js will say it better.
  }
}

/** Once: other modules may import the same one. */
function tell(error: unknown, what: string): void {
  if (error instanceof Error && !error.message.endsWith(what)) error.message += what
}

/** A package is missing. Of a file that is missing Node.js tells the URL. */
function isOfPackage(error: unknown): boolean {
  const { code, url } = Object(error) as { readonly code?: unknown; readonly url?: unknown }
  return code === 'ERR_MODULE_NOT_FOUND' && url === undefined
}

/** Of a module that is missing `url`, of a call of the system `path`, else where it was thrown. */
function namedIn(error: unknown): string {
  const { url, path } = Object(error) as { readonly url?: unknown; readonly path?: unknown }
  if (typeof url === 'string') return pathOf(url)
  return typeof path === 'string' ? path : placeOf(error).replace(/(:\d+)+$/, '')
}

const pathOf = (href: string): string => (href.startsWith('file:') ? fileURLToPath(href) : '')

/** Changes with the text of a file, and with who may read it. */
function stampOf(path: string): string {
  try {
    const { ctimeMs, ino, size } = statSync(path)
    return `${ctimeMs} ${ino} ${size}`
  } catch {
    return ''
  }
}
