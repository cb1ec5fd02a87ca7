/** The names under which a stack may know a module. */
import { realpathSync } from 'node:fs'
import { findSourceMap } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { nameInStacks } from './modules.ts'

/**
 * Those of the modules `urls` that a frame of `stack` lies in. It looks at the disk, since a stack
 * has the real path of a file behind a link: for a fault, not for each message.
 */
export function modulesIn(stack: string, urls: Iterable<string>): Set<string> {
  const found = [...new Set(urls)].filter((url) => placesOf(url).some((at) => hasFrame(stack, at)))
  return new Set(found)
}

/** The whole place, and nothing that only begins or ends with it: `    at run (place:12:5)`. */
function hasFrame(stack: string, place: string): boolean {
  const text = place.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(`^ +at (?:async |.*\\()?${text}:\\d+:\\d+`, 'm').test(stack)
}

/** Node.js names what it runs by its URL, and what a source map leads to by its path. */
function placesOf(url: string): string[] {
  const name = nameInStacks(url)
  const places = [url, name]
  try {
    const path = fileURLToPath(url)
    places.push(path, ...sourcesOf(path))
    const real = realpathSync(path)
    // A query makes another module of the same file.
    places.push(real, pathToFileURL(real).href + new URL(name).search, ...sourcesOf(real))
  } catch {
    // No file, or gone by now: it has no other name.
  }
  return places
}

/** What a module was compiled from, if stacks are mapped back to it. */
function sourcesOf(path: string): string[] {
  if (!process.sourceMapsEnabled) return []
  const sources = findSourceMap(path)?.payload.sources ?? []
  return sources.map((source) => (source.startsWith('file:') ? fileURLToPath(source) : source))
}
