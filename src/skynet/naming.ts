/** Local names of services: `.lobby`. */
import { checkString, refusal } from '../base/check.ts'
import type { Names } from '../kernel/names.ts'
import { checkMayRegister } from '../supervision/needed.ts'

/** Of the node, what naming needs. */
export interface NamingSite {
  readonly names: Names
  /** Is the service of that URL the one that the user has log instead of ours? */
  readonly isLogservice: (url: string) => boolean
  /** The logger here has its name. */
  readonly onLoggerNamed: () => void
}

/** @throws {TypeError} Unless it may be a local name. */
export function checkLocalName(what: string, name: string): void {
  checkString(what, 'name', name)
  if (name.length > 1 && name.startsWith('.')) return
  throw refusal('value', what, 'name', 'a local name, which begins with a dot', name)
}

/** Undefined: no service has that name now. */
export function localName({ names }: NamingSite, name: string): number | undefined {
  checkString('look up', 'name', name)
  const handle = names.query(name)
  return handle === 0 ? undefined : handle
}

/**
 * @param url Of the service that gives the name.
 * @param handleOf Looked up behind the checks of the name.
 * @throws {SkynetError} As `register` of the facade.
 */
export function giveName(
  { names, isLogservice, onLoggerNamed }: NamingSite,
  name: string,
  url: string,
  handleOf: () => number,
): void {
  checkString('register', 'name', name)
  checkMayRegister(name, url, isLogservice)
  names.register(name, handleOf())
  if (name === '.logger') onLoggerNamed()
}
