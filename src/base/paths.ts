/** Paths that are asked for again and again: by each launch, each line that names a place. */
import { fileURLToPath } from 'node:url'
import { MODULE_PATHS_MAX } from './limits.ts'

/** By URL. */
const shortened = new Map<string, string>()

/** Most ask for the same few; of those that are asked for once there is no end. */
export function remember(paths: Map<string, string>, key: string, value: string): void {
  if (paths.size >= MODULE_PATHS_MAX) paths.clear()
  paths.set(key, value)
}

/** A path for people: relative to where the node was started, when it lies below. */
export function shortPath(href: string): string {
  let short = shortened.get(href)
  if (short === undefined) {
    const path = href.startsWith('file:') ? fileURLToPath(href) : href
    const here = `${process.cwd()}/`
    short = path.startsWith(here) ? path.slice(here.length) : path
    remember(shortened, href, short)
  }
  return short
}
