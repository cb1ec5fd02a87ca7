/** Finding and loading the modules that define services. One cache a thread. */
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isA, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { nodeFlags } from '../base/node-flags.ts'
import { remember, shortPath } from '../base/paths.ts'
import { messageOf, placeOf } from '../base/thrown.ts'
import { attempt, importedAs } from './attempts.ts'
import { isServiceDefinition, type Methods, type ServiceDefinition } from './definition.ts'
import { defaultOf, explainType, isCommonJs } from './module-type.ts'
import { tellPlace } from './syntax-place.ts'

/** Node 22.18 and newer run TypeScript by themselves. */
const runsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript)
/** What to look for, in this order: what was compiled comes first where nothing else can run. */
const EXTENSIONS = runsTypeScript ? ['.ts', '.mts', '.js', '.mjs'] : ['.js', '.mjs', '.ts', '.mts']

export type LoadedService = ServiceDefinition<unknown[], Methods, unknown>

const loaded = new Map<string, LoadedService>()
const resolved = new Map<string, string>()
/** By URL that of the module itself: each look for it is a call of the file system. */
const modules = new Map<string, string>()
const builtin = new URL('../services/', import.meta.url)
const builtinFolder = fileURLToPath(builtin)

/** One of the services that come along: a node in which only these are left stops. */
export const isBuiltin = (href: string): boolean => href.startsWith(builtin.href)

/** A folder, as a URL, and what it is to who reads that nothing was found there. */
export interface SearchPlace {
  readonly url: string
  readonly role: string
}

/** Of definitions without a module of their own: where their relative paths start, in order. */
const placesOfRegistered = new Map<string, readonly SearchPlace[]>()

/**
 * As `resolveService`, for the folders of a node.
 *
 * @param method What is asked of the manager of unique services; none: it is not asked.
 */
export type Resolve = (
  path: string | URL,
  base: string,
  method?: 'launch' | 'query' | undefined,
) => string

/**
 * The URL of a service's module.
 *
 * @param spec A URL, an absolute path, a path relative to `base` (`./agent.ts`), or a bare name
 * that is looked for in `folders` and then among our own services. A missing extension is tried; a
 * `.ts` that was compiled is found as `.js`: the same text works before and after the build.
 * @param base URL of the module that names it.
 * @throws {SkynetError} `ERR_SERVICE_LAUNCH`, which says where it has looked, and for what.
 */
export function resolveService(
  spec: string | URL,
  base: string,
  folders: readonly string[],
): string {
  const text = checkPath('launch', spec)
  const key = `${base} ${text}`
  const known = loaded.has(text) ? text : resolved.get(key)
  if (known !== undefined) return known
  const places = searchPlaces(text, base, folders)
  for (const { url } of places) checkFile(text, url)
  const found = places.flatMap(({ url }) => variants(url)).find(isFile)
  if (found === undefined) {
    if (isOtherUrl(text)) throw new SkynetError('ERR_SERVICE_LAUNCH', { path: text, reason: PATHS })
    const tried = [...new Set(variants(basename(text)))].join(', ')
    const reason = `no such module in ${shownPlaces(places)}: tried ${tried}${hintFor(text, base)}`
    throw new SkynetError('ERR_SERVICE_LAUNCH', { path: text, reason })
  }
  remember(resolved, key, found)
  return found
}

/** @returns The text of it. @throws {TypeError} Unless it is a string, not empty, or a URL. */
export function checkPath(what: string, path: unknown): string {
  if (isA(path, URL)) return path.href
  if (typeof path === 'string' && path !== '') return path
  const expected = isServiceDefinition(path)
    ? `that of the module whose default export is this definition (a test launches it by testNode)`
    : `the path or URL of a module whose default export is made by defineService`
  throw refusal(path === '' ? 'value' : 'type', what, 'path', expected, path)
}

const PATHS =
  'a module is named by a file: URL, an absolute path, a path that begins with ./ or ../, ' +
  'or its name in a folder of services'

/** Of something else than a file. */
const isOtherUrl = (spec: string): boolean => /^(?!file:)[a-z][a-z\d+.-]+:/i.test(spec)
const isUrl = (spec: string): boolean => spec.startsWith('file:')

/** @throws {SkynetError} `ERR_SERVICE_LAUNCH` unless it is of a file, as `file://host/x` is not. */
function checkFile(path: string, url: string): void {
  try {
    fileURLToPath(url)
  } catch (cause) {
    const info = { path, reason: `it is no path of a file: ${messageOf(cause)}` }
    throw new SkynetError('ERR_SERVICE_LAUNCH', info, { cause })
  }
}

/** Node.js is told to load a module again by each link to it. */
const preservesLinks = /--preserve-symlinks(?!-)/.test(nodeFlags())

/** The URL of the module itself: Node.js loads one module for all links to a file. */
export function moduleOf(href: string): string {
  if (preservesLinks || !href.startsWith('file:')) return href
  const known = modules.get(href)
  if (known !== undefined) return known
  const url = new URL(href)
  try {
    const { pathname } = pathToFileURL(realpathSync.native(url))
    const module = pathname === url.pathname ? href : Object.assign(url, { pathname }).href
    remember(modules, href, module)
    return module
  } catch {
    // It is no file: its launch will say so.
    return href
  }
}

/** Where the module may be, as far as its extension goes: each the URL of a file. */
function searchPlaces(spec: string, base: string, folders: readonly string[]): SearchPlace[] {
  if (isUrl(spec)) return [{ url: spec, role: '' }]
  if (isAbsolute(spec)) return [{ url: pathToFileURL(spec).href, role: '' }]
  if (isRelative(spec)) {
    const starts = placesOfRegistered.get(base) ?? [{ url: base, role: '' }]
    return starts.map(({ url, role }) => ({ url: new URL(spec, url).href, role }))
  }
  if (/^\.\.(\/|$)/.test(normalize(spec))) {
    const reason = 'a name leads out of no folder of services: begin it with ./ or ../'
    throw new SkynetError('ERR_SERVICE_LAUNCH', { path: spec, reason })
  }
  const within = (folder: string): string => pathToFileURL(join(folder, spec)).href
  const places = folders.map((folder) => ({ url: within(folder), role: '' }))
  return [...places, { url: within(builtinFolder), role: 'services that come along' }]
}

const isRelative = (spec: string): boolean => spec.startsWith('./') || spec.startsWith('../')

/** `/srv/rooms, nor in /srv/test ('base')` */
function shownPlaces(places: readonly SearchPlace[]): string {
  const shown = places.map(({ url, role }) => {
    const folder = shortPath(url.slice(0, url.lastIndexOf('/')))
    return role === '' ? folder : `${folder} (${role})`
  })
  return [...new Set(shown)].join(', nor in ')
}

/** For a bare name of what is beside who names it. */
function hintFor(spec: string, base: string): string {
  if (isRelative(spec) || isAbsolute(spec) || isUrl(spec)) return ''
  const beside = `./${spec}`
  const isThere = searchPlaces(beside, base, []).some(({ url }) => variants(url).some(isFile))
  return isThere ? `; did you mean '${beside}'?` : ''
}

/** The names that a module may go by: of a URL, or of its last part. */
function variants(name: string): string[] {
  const extension = EXTENSIONS.find((end) => name.endsWith(end))
  if (extension === undefined) return [name, ...EXTENSIONS.map((end) => name + end)]
  const stem = name.slice(0, -extension.length)
  const others = EXTENSIONS.map((end) => stem + end)
  return extension.endsWith('ts') && !runsTypeScript ? others : [name, ...others]
}

function isFile(href: string): boolean {
  try {
    return statSync(new URL(href), { throwIfNoEntry: false })?.isFile() === true
  } catch {
    // Nobody may look there.
    return false
  }
}

/** The definition if this thread has loaded it before: the fast way of a launch. */
export const loadedService = (href: string): LoadedService | undefined => loaded.get(href)

/**
 * Make a definition that has no module of its own known under `href`: for tests.
 *
 * @param places Where its relative paths start, in this order.
 */
export function registerService(
  href: string,
  definition: LoadedService,
  places: readonly SearchPlace[],
): void {
  loaded.set(href, definition)
  placesOfRegistered.set(href, places)
}

/** Nobody launches it any more, nor is it there to launch others. */
export function forgetService(href: string): void {
  loaded.delete(href)
  placesOfRegistered.delete(href)
}

/** By URL of the module itself: loads under way. Who asks meanwhile gets the same module. */
const loads = new Map<string, Promise<LoadedService>>()

/** Load a service's module. Its errors are the module's own. */
export async function loadService(href: string): Promise<LoadedService> {
  const module = moduleOf(href)
  const load =
    loads.get(module) ?? attempt(href, module, definitionOf).finally(() => loads.delete(module))
  loads.set(module, load)
  const definition = await load
  loaded.set(href, definition)
  return definition
}

/** The URL by which Node.js, and so a stack, knows a module that was loaded. */
export const nameInStacks = (href: string): string => importedAs(href, moduleOf(href))

async function definitionOf(href: string): Promise<LoadedService> {
  const { default: definition } = await importModule(new URL(href))
  if (!isServiceDefinition(definition)) {
    throw new SkynetError('ERR_SERVICE_LAUNCH', {
      path: shortPath(href),
      reason: 'its default export is not made by defineService',
    })
  }
  return definition
}

/**
 * Import a module, TypeScript or JavaScript, for its default export. Node before 22.18 cannot run
 * `.ts`: there, `tsx` is taken from the project the file belongs to.
 *
 * @throws {SkynetError} `ERR_PLATFORM` when the file is TypeScript and nothing can load it.
 */
export async function importModule(url: URL): Promise<{ readonly default: unknown }> {
  if (/\.[mc]?ts$/.test(url.pathname) && !runsTypeScript) await useLoaders(url)
  try {
    const imported = (await import(url.href)) as { readonly default?: unknown }
    return { default: defaultOf(imported) }
  } catch (error) {
    explainType(url, error)
    if (error instanceof SyntaxError && placeOf(error) === '') await tellPlace(url, error)
    throw error
  }
}

/** Parts of tsx that are in use in this thread, by sub-path. */
const loaders = new Map<string, Promise<void>>()

async function useLoaders(url: URL): Promise<void> {
  await useLoader(url, './esm/api')
  // Only where it must be: it has a look at every file that `require` loads from then on.
  if (isCommonJs(url)) await useLoader(url, './cjs/api')
}

function useLoader(url: URL, subPath: string): Promise<void> {
  const used = loaders.get(subPath) ?? registerLoader(url, subPath)
  loaders.set(subPath, used)
  // The next file may belong to a project that has it.
  used.catch(() => loaders.delete(subPath))
  return used
}

async function registerLoader(url: URL, subPath: string): Promise<void> {
  let path: string
  try {
    // As Node.js does with all that a module imports: behind a link, from where the file is.
    path = importPath(createRequire(realpathSync(url)).resolve('tsx/package.json'), subPath)
  } catch (cause) {
    const reason =
      `Node ${process.versions.node} cannot load ${fileURLToPath(url)}: ` +
      'use Node 22.18 or newer, or install tsx (npm install tsx), or compile it to JavaScript'
    throw new SkynetError('ERR_PLATFORM', { reason }, { cause })
  }
  const api = (await import(pathToFileURL(path).href)) as { register: () => unknown }
  api.register()
}

/** What `import` of a sub-path would load: `require.resolve` knows only what `require` would. */
function importPath(packageFile: string, subPath: string): string {
  const { exports } = JSON.parse(readFileSync(packageFile, 'utf8')) as {
    exports: Record<string, { import?: string | { default: string } } | undefined>
  }
  const entry = exports[subPath]?.import
  const file = typeof entry === 'string' ? entry : entry?.default
  if (file === undefined) throw new Error(`${packageFile} has no '${subPath}'`)
  return join(dirname(packageFile), file)
}
