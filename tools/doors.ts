/** The doors of the package: what `exports` of package.json leads users to. */
import { readFileSync } from 'node:fs'

/** By the condition that our own compiler takes: `src/index.ts`. */
export function doorsOf(packageJson: string): string[] {
  const { exports = {} } = JSON.parse(packageJson) as {
    readonly exports?: Readonly<Record<string, Readonly<Record<string, string>> | string>>
  }
  return Object.values(exports).flatMap((target) => {
    const source = typeof target === 'string' ? undefined : target['skynet-ts-source']
    return source === undefined ? [] : [source.replace(/^\.\//, '')]
  })
}

/** Those of this package. */
export const DOORS = doorsOf(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
