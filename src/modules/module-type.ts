/** What Node.js takes a file for, an ES module or CommonJS, and what follows from it for us. */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

interface PackageType {
  /** Path of the package.json that decides. */
  readonly file: string
  readonly type: 'module' | 'commonjs'
}

/** What the nearest package.json says; undefined: there is none, or it says nothing. */
function packageTypeOf(url: URL): PackageType | undefined {
  for (let folder = new URL('.', url); ; folder = new URL('..', folder)) {
    try {
      const file = fileURLToPath(new URL('package.json', folder))
      const { type } = JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown }
      return type === 'module' || type === 'commonjs' ? { file, type } : undefined
    } catch {
      // None here, or one that Node.js would complain of itself.
    }
    if (folder.pathname === '/' || folder.pathname.endsWith('/node_modules/')) return undefined
  }
}

/** Node.js loads it as CommonJS, whatever its text looks like. */
export function isCommonJs(url: URL): boolean {
  const extension = extname(url.pathname)
  if (extension !== '.js' && extension !== '.ts') return extension.startsWith('.c')
  return packageTypeOf(url)?.type !== 'module'
}

/**
 * The default export. What a compiler turned into CommonJS has it as `exports.default`, and Node.js
 * takes all of `exports` for the default.
 */
export function defaultOf(module: { readonly default?: unknown }): unknown {
  const exports = module.default
  const isCompiled =
    typeof exports === 'object' && exports !== null && '__esModule' in exports && exports.__esModule
  return isCompiled ? (exports as { readonly default?: unknown }).default : exports
}

/** What Node.js says of the text of an ES module that it takes for CommonJS. */
const TAKEN_WRONG = [
  /\bimport statement outside a module\b/,
  /^Unexpected token 'export'/,
  /'import\.meta' outside a module/,
  /^await is only valid in/,
  /\brequire\(\) (?:of )?ES Module\b/,
]

/** Has `error`, of loading that file, say what to do when its package is why it failed. */
export function explainType(url: URL, error: unknown): void {
  if (!(error instanceof Error) || !TAKEN_WRONG.some((text) => text.test(error.message))) return
  const found = packageTypeOf(url)
  if (found?.type !== 'commonjs' || !/\.[jt]s$/.test(url.pathname)) return
  const other = fileURLToPath(url).replace(/(?=[jt]s$)/, 'm')
  // Its stack, which tells the place, stays as it is.
  error.message += `: set "type": "module" in ${found.file}, or name the file ${other}`
}
