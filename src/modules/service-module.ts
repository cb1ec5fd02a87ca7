/** Services named by the import of their modules: `() => import('./battle.ts')`. */
import { SkynetError } from '../base/errors.ts'
import { beginOf, SHOWN_CHARS_MAX } from '../base/text.ts'
import { messageOf } from '../base/thrown.ts'
import { type AnyService, fileOf, isServiceDefinition } from './definition.ts'
import { defaultOf } from './module-type.ts'
import { checkPath, importModule, resolveService } from './modules.ts'

/** Loads the module whose default export is the service. */
export type ServiceModule<S extends AnyService = AnyService> = () => Promise<{
  readonly default: S
}>

/** A service of the type `S`, as it is named for a launch. */
export type ServicePath<S extends AnyService = AnyService> = string | URL | ServiceModule<S>

/** Waits for what another one does, perhaps no longer than it wants to. */
export type WaitingFor<T> = (work: Promise<T>) => Promise<T>

/** Where modules are loaded for their URLs: as `urlOf`, and seen as long as somebody waits. */
export interface ModuleFinder {
  urlOf(load: ServiceModule, base: string, waiting: WaitingFor<string>): Promise<string>
}

/** @throws {TypeError} Unless it may name a service. */
export function checkServicePath(what: string, path: unknown): void {
  if (typeof path !== 'function') checkPath(what, path)
}

/** By definition the URL of the module that was found to export it. */
const urls = new WeakMap<object, string>()

/** What an `import()` names, also where it was compiled to CommonJS. */
const IMPORTED = /\b(?:import|require)\(\s*(['"`])(\.[^'"`$]*|file:[^'"`$]*)\1/

/**
 * The URL of the module that `load` imports. Nobody tells what an `import()` was resolved to. So it
 * is asked the other way round: a module that exports the same definition is the one.
 *
 * @param base URL of the module of who launches it.
 * @throws {SkynetError} `ERR_SERVICE_LAUNCH` when it cannot be loaded, is no module of a service,
 * or lies where nobody would look for it.
 */
export async function urlOf(load: ServiceModule, base: string): Promise<string> {
  const definition = await definitionIn(load)
  const known = urls.get(definition)
  if (known !== undefined) return known
  for (const url of placesOf(definition, load, base)) {
    if (!(await isExported(definition, url))) continue
    urls.set(definition, url)
    return url
  }
  const reason =
    'its module is neither where defineService was called, nor where the path in this function ' +
    'leads from the service that launches it (in a bundle there is none): name it by its path'
  throw new SkynetError('ERR_SERVICE_LAUNCH', { path: codeOf(load), reason })
}

async function definitionIn(load: ServiceModule): Promise<object> {
  let definition: unknown
  try {
    definition = defaultOf((await load()) ?? {})
  } catch (cause) {
    const info = { path: codeOf(load), reason: messageOf(cause) }
    throw new SkynetError('ERR_SERVICE_LAUNCH', info, { cause })
  }
  if (isServiceDefinition(definition)) return definition
  const reason = 'the default export of what it imports is not made by defineService'
  throw new SkynetError('ERR_SERVICE_LAUNCH', { path: codeOf(load), reason })
}

/** Where `defineService` was called, which nearly always is there; then what the function says. */
function* placesOf(definition: object, load: ServiceModule, base: string): Generator<string> {
  const file = fileOf(definition)
  if (file !== undefined) yield file
  const path = IMPORTED.exec(String(load))?.[2]
  if (path === undefined) return
  try {
    yield resolveService(path, base, [])
  } catch {
    // It is not of the module of the service: nothing is there.
  }
}

async function isExported(definition: object, url: string): Promise<boolean> {
  try {
    return (await importModule(new URL(url))).default === definition
  } catch {
    return false
  }
}

/** As it stands in the code, for logs and errors. */
export const codeOf = (load: ServiceModule): string =>
  beginOf(String(load), SHOWN_CHARS_MAX, 'a function')
