import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MODULES = join(ROOT, 'node_modules')

/** A project that has installed the packed package, as `npm install` would leave it. */
function installPacked(t: { after(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-package-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: ROOT,
    stdio: 'pipe',
  })
  const target = join(folder, 'node_modules', 'skynet-ts')
  mkdirSync(target, { recursive: true })
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const tarball = join(folder, `skynet-ts-${version}.tgz`)
  execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'])
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

test('the packed package type-checks strictly, and runs services in TypeScript', async (t) => {
  const folder = installPacked(t)
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  for (const [, name, text] of readme.matchAll(/```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)```/g)) {
    writeFileSync(join(folder, name!), text!.replace('7000', '0'))
  }
  const [options] = /\{ "compilerOptions": .*\} \}/.exec(readme)!
  writeFileSync(join(folder, 'tsconfig.json'), options)
  execFileSync(process.execPath, [join(MODULES, 'typescript', 'bin', 'tsc'), '-p', folder])

  const cli = join(folder, 'node_modules', 'skynet-ts', 'dist', 'lib', 'cli', 'main.js')
  const node = spawn(process.execPath, [cli, 'start', 'skynet.config.ts'], { cwd: folder })
  t.after(() => node.kill('SIGKILL'))
  node.stderr.pipe(process.stderr)
  let said = ''
  for await (const line of createInterface(node.stdout)) {
    said = line
    if (line.includes('listening on 127.0.0.1:')) break
  }
  assert.match(said, /main\] listening on 127\.0\.0\.1:\d+$/)
  node.kill('SIGTERM')
  assert.deepEqual(await once(node, 'exit'), [0, null])
})

test('the packed package holds no tests, and the documents that its README names', (t) => {
  const folder = installPacked(t)
  const target = join(folder, 'node_modules', 'skynet-ts')
  const files = execFileSync('find', [target, '-type', 'f'], { encoding: 'utf8' })
  assert.doesNotMatch(files, /\.(test|suite)\./)
  assert.doesNotMatch(files, /skynet-v/, 'nothing that is of one place, and of one Node.js')
  const kit = [...files.matchAll(/\/testing\/(\S+)\.d\.ts\n/g)].map((match) => match[1]!)
  const door = ['fake-clock', 'probe', 'recording-router', 'test-node', 'test-service']
  assert.deepEqual(kit.sort(), door, 'the kit alone, not what our own tests simulate')
  const map = readFileSync(join(target, 'dist/lib/runtime/skynet.cjs.map'), 'utf8')
  const { sources, sourcesContent } = JSON.parse(map)
  assert.ok(sources.every((source: string) => /\/src\/.*\.ts$/.test(source)))
  assert.ok(sourcesContent.every((text: unknown) => typeof text === 'string'))
  const readme = readFileSync(join(target, 'README.md'), 'utf8')
  for (const [, name] of readme.matchAll(/\]\((docs\/[\w-]+\.md)/g)) {
    assert.ok(files.includes(`/${name}\n`), name)
  }
})

test('the packed package has the socket server alone, typed and without a node', (t) => {
  const folder = installPacked(t)
  const program = `import { createSocketServer, type SocketEvent } from 'skynet-ts/socket-server'
const server = createSocketServer()
server.start(server.listen({ host: '127.0.0.1', port: 0 }))
for (const event of server.poll({ timeoutMs: 10_000 })) tell(event)
server.release()
function tell(event: SocketEvent): void {
  if (event.type === 'open') console.log(event.text, event.port > 0)
}
`
  writeFileSync(join(folder, 'main.ts'), program)
  const flags = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
  const tsc = join(MODULES, 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [tsc, ...flags, 'main.ts'], { cwd: folder })
  const printed = execFileSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' })
  assert.equal(printed, '127.0.0.1 true\nstart false\n')
})
