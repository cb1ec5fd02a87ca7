/** The package as it is published, installed. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MODULES = join(ROOT, 'node_modules')

let packed: Buffer | undefined

/** What `npm publish` would send. npm makes it once: it takes seconds. */
function tarball(): Buffer {
  if (packed !== undefined) return packed
  const folder = mkdtempSync(join(tmpdir(), 'skynet-package-'))
  try {
    execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
      cwd: ROOT,
      stdio: 'pipe',
    })
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    packed = readFileSync(join(folder, `skynet-ts-${version}.tgz`))
    return packed
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A project that has installed the packed package, as `npm install` would leave it. */
export function installPacked(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-package-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const target = join(folder, 'node_modules', 'skynet-ts')
  mkdirSync(target, { recursive: true })
  execFileSync('tar', ['-xz', '-C', target, '--strip-components=1'], { input: tarball() })
  for (const name of [
    'koffi',
    '@koromix',
    '@types',
    'tsx',
    'esbuild',
    '@esbuild',
    'undici-types',
  ]) {
    symlinkSync(join(MODULES, name), join(folder, 'node_modules', name))
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  return folder
}
