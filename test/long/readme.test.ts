import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../support/free-port.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** Inside the project, so that the package finds itself by its name. */
const APP = join(ROOT, 'dist', 'test', 'readme-app')

/** The blocks of the README that begin with `// name.ts`: name → text. */
function readmeFiles(): Map<string, string> {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const blocks = readme.matchAll(/```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)```/g)
  return new Map([...blocks].map((block) => [block[1]!, block[2]!]))
}

test('the README installs the file that npm pack makes', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const [, installed] = /^npm install \S*\/(\S+\.tgz) /m.exec(readme)!
  const words = ['pack', '--dry-run', '--ignore-scripts', '--json']
  const packed = execFileSync('npm', words, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' })
  assert.equal(installed, JSON.parse(packed)[0].filename)
})

async function visit(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

test('the first service of the README compiles, starts and answers as it says', async (t) => {
  const port = await freePort()
  rmSync(APP, { recursive: true, force: true })
  mkdirSync(APP, { recursive: true })
  const files = readmeFiles()
  assert.deepEqual([...files.keys()], ['counter.ts', 'main.ts', 'skynet.config.ts'])
  for (const [name, text] of files) {
    writeFileSync(join(APP, name), text.replace('7000', String(port)))
  }
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  const flags = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--skipLibCheck']
  const names = [...files.keys()].map((name) => join(APP, name))
  const more = ['--rewriteRelativeImportExtensions', '--types', 'node', '--ignoreConfig']
  execFileSync(process.execPath, [tsc, ...flags, ...more, ...names], { cwd: APP })

  const cli = join(ROOT, 'dist', 'lib', 'cli', 'main.js')
  const node = spawn(process.execPath, [cli, 'start', join(APP, 'skynet.config.js')])
  t.after(() => node.kill('SIGKILL'))
  node.stderr.pipe(process.stderr)
  for await (const line of createInterface(node.stdout)) {
    if (line.includes(`listening on 127.0.0.1:${port}`)) break
  }
  assert.equal(await visit(port), 'you are visitor 1\n')
  assert.equal(await visit(port), 'you are visitor 2\n')
  node.kill('SIGTERM')
  const [code] = await once(node, 'exit')
  assert.equal(code, 0)
})
