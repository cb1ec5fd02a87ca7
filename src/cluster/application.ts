/**
 * The application that nodes run: other nodes name a module of it by its path from the root, which
 * is the folder of the nearest package.json above the first service, or of that service.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { SkynetError } from '../base/errors.ts'
import { isBuiltin, resolveService } from '../modules/modules.ts'

/** In front of the name of a service that comes along: wherever it is installed, it is the same. */
const OURS = 'skynet:'

export class Application {
  readonly root: string
  readonly build: string

  /**
   * @param start Absolute path of the first service.
   * @param build Which code runs here. Default: name and version of the package.
   */
  constructor(start: string, build?: string) {
    const packaged = packageFolder(dirname(start))
    this.root = packaged ?? dirname(start)
    this.build = build ?? (packaged === undefined ? '' : versionIn(join(packaged, 'package.json')))
  }

  /**
   * How other nodes find that module.
   *
   * @throws {SkynetError} `ERR_SERVICE_LAUNCH`: it is none of the application.
   */
  moduleOf(url: string): string {
    if (isBuiltin(url)) return `${OURS}${basename(url, extname(url))}`
    const path = relative(this.root, fileURLToPath(url))
    if (isInside(path)) return path.split(sep).join('/')
    const reason = `it is not in ${this.root}, and another node has it elsewhere`
    throw new SkynetError('ERR_SERVICE_LAUNCH', { path: url, reason })
  }

  /**
   * A module that another node has named.
   *
   * @throws {SkynetError} `ERR_SERVICE_LAUNCH`: it is none of the application, or of another build.
   */
  urlOf(module: string, build: string): string {
    const fail = (reason: string): never => {
      throw new SkynetError('ERR_SERVICE_LAUNCH', { path: module, reason })
    }
    if (build !== this.build) {
      fail(`this node runs build '${this.build}', and who asks '${build}'`)
    }
    if (module.startsWith(OURS)) {
      const own = resolveService(module.slice(OURS.length), import.meta.url, [])
      return isBuiltin(own) ? own : fail('no such service comes along')
    }
    const file = join(this.root, ...module.split('/'))
    if (!isInside(relative(this.root, file))) fail('it is outside of the application')
    return pathToFileURL(file).href
  }
}

const isInside = (path: string): boolean =>
  path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && join(sep, path) !== path

function packageFolder(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (dirname(folder) === folder) return undefined
  }
}

/** Empty: it says neither. */
function versionIn(file: string): string {
  try {
    const { name = '', version = '' } = JSON.parse(readFileSync(file, 'utf8')) as {
      name?: string
      version?: string
    }
    return name === '' && version === '' ? '' : `${name}@${version}`
  } catch {
    return ''
  }
}
