/** Packages that only tests of the world need: from the registry, kept beside our own modules. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')
const INSTALL_MS_MAX = 240_000

/**
 * A folder where these packages, and ours, are there for what is copied to it from test/fixtures.
 * Undefined where the registry cannot be reached, or what it has cannot be built.
 */
export function withPackages(
  name: string,
  packages: readonly string[],
  files: readonly string[],
): string | undefined {
  const folder = join(ROOT, 'node_modules/.cache', name)
  const note = join(folder, '.installed')
  const wanted = packages.join(' ')
  if (!existsSync(note) || readFileSync(note, 'utf8') !== wanted) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund']
    const words = ['install', '--prefix', folder, ...flags, ...packages]
    const { status } = spawnSync('npm', words, { cwd: folder, timeout: INSTALL_MS_MAX })
    if (status !== 0) return undefined
    symlinkSync(ROOT, join(folder, 'node_modules/skynet-ts'))
    writeFileSync(note, wanted)
  }
  for (const file of files) cpSync(join(ROOT, 'test/fixtures', file), join(folder, file))
  return folder
}
