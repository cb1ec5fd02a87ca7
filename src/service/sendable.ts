/** What user code hands over, made fit to travel: promises of all kinds, and errors. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { describe, isError, messageOf } from '../base/thrown.ts'
import { copy } from '../wire/copy.ts'

/** What `await` would wait for. Asking may throw: a getter of somebody is run. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Characters of the text of an error that cannot be sent itself: that may be for its size. */
const TEXT_MAX = 64 * 1024

/** An error as a message value: what was thrown, or its text when that cannot be sent. */
export function sendable(error: unknown): unknown {
  try {
    if (error instanceof Error || isError(error)) return copy(error)
  } catch {
    // It is too large, or something in it cannot be sent, or throws when it is looked at.
  }
  const plain = new Error(cut(messageOf(error)))
  plain.stack = cut(describe(error))
  return plain
}

/** Errors of requests that did not leave, as their senders got them. */
const unsent = new WeakSet<object>()

/** A request of a service here failed with `error`. */
export function noteUnsent(error: object): void {
  if (isUnsent(error)) unsent.add(error)
}

/**
 * What a handler threw, for who asked it. An error that the handler got itself is about another
 * request, that it has sent: in it nobody may read that his own has not run.
 */
export const thrownToo = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && unsent.has(error) ? afterHandler(error) : error

/**
 * An error of a request that a handler has sent, and without whose answer it does nothing: what is
 * said of that one is true of its own, too.
 */
export const ofBoth = (error: unknown): unknown => (isUnsent(error) ? withSent(error, 'no') : error)

/** An error of a request of which it is known that a handler has run. */
export function afterHandler(error: unknown): unknown {
  return isUnsent(error) ? withSent(error, 'maybe') : error
}

/** Of an error that may have no cause: one that is undefined would be shown. */
export const causedBy = (cause: unknown): { cause?: unknown } =>
  cause === undefined ? {} : { cause }

/** The same error, which says whether the handler of its request may have run. */
export function withSent(error: unknown, sent: 'no' | 'maybe'): unknown {
  if (!isSkynetError(error)) return error
  const { code, info, cause, stack } = error
  const told = new SkynetError(code, { ...info, sent } as never, causedBy(cause))
  if (stack !== undefined) told.stack = stack
  return told
}

const isUnsent = (error: unknown): error is SkynetError =>
  isSkynetError(error) && (error.info as { readonly sent?: unknown }).sent === 'no'

const cut = (text: string): string =>
  text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}… (${text.length} characters)` : text

/** The same error about what cannot be sent, which is named as `rename` says. */
export function renamed(error: unknown, rename: (path: string) => string): unknown {
  const isUnsupported = isSkynetError(error, 'ERR_MESSAGE_UNSUPPORTED')
  if (!isUnsupported && !isSkynetError(error, 'ERR_MESSAGE_TOO_DEEP')) return error
  const { code, info } = error
  return new SkynetError(code, { ...info, path: rename(info.path) } as never)
}

/** A call is packed as `[method, ...args]`: what cannot be sent is named as its author wrote it. */
export const asArgument = (error: unknown): unknown =>
  renamed(error, (path) =>
    path.replace(/^args\[(\d+)\]/, (_, at) => (at === '0' ? 'method' : `args[${at - 1}]`)),
  )

/** Of an order to a worker: what its author gives are its fields. */
export const asField = (error: unknown): unknown =>
  renamed(error, (path) => path.replace(/^value\./, ''))

/** Of a message of ours that has at `place` what its author calls `name`: for `catch`. */
export const wroteAs =
  (place: string, name: string) =>
  (error: unknown): never => {
    const isThere = (path: string): boolean => path.startsWith(place)
    throw renamed(error, (path) => (isThere(path) ? name + path.slice(place.length) : path))
  }

/** In an error about a call, for who does not know whom and what: its caller puts that in. */
export const UNNAMED_CALL = { to: 'a service', method: 'a method' } as const
