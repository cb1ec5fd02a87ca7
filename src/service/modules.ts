/** Finding and loading the modules that define services. One cache a thread. */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SkynetError } from '../base/errors.ts'
import { isServiceDefinition, type Methods, type ServiceDefinition } from './definition.ts'

/** Node 22.18 and newer run TypeScript by themselves. */
const runsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript)
/** What to look for, in this order: what was compiled comes first where nothing else can run. */
const EXTENSIONS = runsTypeScript ? ['.ts', '.mts', '.js', '.mjs'] : ['.js', '.mjs', '.ts', '.mts']

export type LoadedService = ServiceDefinition<unknown[], Methods>

const loaded = new Map<string, LoadedService>()
const resolved = new Map<string, string>()
const builtin = new URL('../services/', import.meta.url)

/** One of the services that come along: a node in which only these are left stops. */
export const isBuiltin = (href: string): boolean => href.startsWith(builtin.href)

/**
 * The URL of a service's module.
 *
 * @param spec A URL, an absolute path, a path relative to `base` (`./agent.ts`), or a bare name
 * that is looked for in `folders` and then among our own services. A missing extension is tried; a
 * `.ts` that was compiled is found as `.js`: the same text works before and after the build.
 */
export function resolveService(
  spec: string | URL,
  base: string,
  folders: readonly string[],
): string {
  const text = String(spec)
  const key = `${base} ${text}`
  const known = loaded.has(text) ? text : resolved.get(key)
  if (known !== undefined) return known
  const found = candidates(text, base, folders).find(isFile)
  if (found === undefined) {
    const others = folders.length > 0 ? `, nor in ${folders.join(', ')}` : ''
    const isWhole = text.startsWith('file:') || isAbsolute(text)
    const where = isWhole ? '' : ` beside ${shortPath(base)}${others}`
    const reason = `no such module${where}`
    throw new SkynetError('ERR_SERVICE_LAUNCH', { path: text, reason })
  }
  resolved.set(key, found.href)
  return found.href
}

function candidates(spec: string, base: string, folders: readonly string[]): URL[] {
  if (spec.startsWith('file:')) return variants(new URL(spec))
  if (isAbsolute(spec)) return variants(pathToFileURL(spec))
  if (spec.startsWith('./') || spec.startsWith('../')) return variants(new URL(spec, base))
  const places = folders.map((folder) => pathToFileURL(join(folder, spec)))
  return [...places, new URL(spec, builtin)].flatMap(variants)
}

function variants(url: URL): URL[] {
  const { href } = url
  const extension = EXTENSIONS.find((end) => href.endsWith(end))
  if (extension === undefined) return [url, ...EXTENSIONS.map((end) => new URL(href + end))]
  const stem = href.slice(0, -extension.length)
  const others = EXTENSIONS.map((end) => new URL(stem + end))
  return extension.endsWith('ts') && !runsTypeScript ? others : [url, ...others]
}

function isFile(url: URL): boolean {
  return existsSync(url) && statSync(url).isFile()
}

/** The definition if this thread has loaded it before: the fast way of a launch. */
export const loadedService = (href: string): LoadedService | undefined => loaded.get(href)

/** Make a definition that has no module of its own known under `href`: for tests. */
export function registerService(href: string, definition: LoadedService): void {
  loaded.set(href, definition)
}

/** Load a service's module. Its errors are the module's own. */
export async function loadService(href: string): Promise<LoadedService> {
  const module = await importModule(new URL(href))
  const definition = module.default
  if (!isServiceDefinition(definition)) {
    throw new SkynetError('ERR_SERVICE_LAUNCH', {
      path: shortPath(href),
      reason: 'its default export is not made by defineService',
    })
  }
  loaded.set(href, definition)
  return definition
}

let hasLoader = false

/**
 * Import a module, TypeScript or JavaScript. Node before 22.18 cannot run `.ts`: there, `tsx` is
 * taken from the project the file belongs to.
 *
 * @throws {SkynetError} `ERR_PLATFORM` when the file is TypeScript and nothing can load it.
 */
export async function importModule(url: URL): Promise<Record<string, unknown>> {
  const isTypeScript = /\.[mc]?ts$/.test(url.pathname)
  if (isTypeScript && !runsTypeScript && !hasLoader) await registerLoader(url)
  return (await import(url.href)) as Record<string, unknown>
}

async function registerLoader(url: URL): Promise<void> {
  let path: string
  try {
    // As Node.js does with all that a module imports: behind a link, from where the file is.
    path = importPath(createRequire(realpathSync(url)).resolve('tsx/package.json'), './esm/api')
  } catch (cause) {
    const reason =
      `Node ${process.versions.node} cannot load ${fileURLToPath(url)}: ` +
      'use Node 22.18 or newer, or install tsx (npm install tsx), or compile it to JavaScript'
    throw new SkynetError('ERR_PLATFORM', { reason }, { cause })
  }
  const api = (await import(pathToFileURL(path).href)) as { register: () => unknown }
  api.register()
  hasLoader = true
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

/** Short paths that were asked for, by URL: each launch asks. */
const shortened = new Map<string, string>()

/** A path for people: relative to where the node was started, when it lies below. */
export function shortPath(href: string): string {
  let short = shortened.get(href)
  if (short === undefined) {
    const path = href.startsWith('file:') ? fileURLToPath(href) : href
    const here = `${process.cwd()}/`
    short = path.startsWith(here) ? path.slice(here.length) : path
    shortened.set(href, short)
  }
  return short
}
