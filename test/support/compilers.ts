/** Compilers that users may have: the published types are for them as well. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MODULES = join(ROOT, 'node_modules')

/** The `tsc` that the project is compiled with. */
export const OUR_COMPILER = join(MODULES, 'typescript', 'bin', 'tsc')

/** A compiler that is not ours: installed once, beside what else is kept with the modules. */
export function compilerOf(version: string): string {
  const folder = join(MODULES, '.cache', `typescript-${version}`)
  const tsc = join(folder, 'node_modules', 'typescript', 'bin', 'tsc')
  if (!existsSync(tsc)) {
    mkdirSync(folder, { recursive: true })
    const options = ['--prefix', folder, '--no-save', '--no-package-lock', '--no-audit']
    execFileSync('npm', ['install', ...options, `typescript@${version}`], { stdio: 'pipe' })
  }
  return tsc
}

/** What the README promises. */
export function oldestCompiler(): string {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, oldest = ''] = /TypeScript (\d+\.\d+) or newer/.exec(readme)!
  return compilerOf(oldest)
}
