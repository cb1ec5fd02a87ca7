/** The client of the packed package, where a page is built: a bundler, and no types of Node.js. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'
import { compilerOf, OUR_COMPILER, oldestCompiler } from '../support/compilers.ts'
import { installPacked } from '../support/packed.ts'

const PAGE = `import { clientProtocol, connect, unchecked } from 'skynet-ts/client'
import type { ClientError } from 'skynet-ts/client'
const canvas = clientProtocol({
  login: unchecked<{ name: string }>(),
  calls: {
    draw: { request: unchecked<number>(), response: unchecked<{ at: number }>() },
    clear: {},
  },
  events: { line: unchecked<[number, number]>() },
})
const options = { storage: sessionStorage, WebSocket }
export const client = connect(canvas, { url: '/canvas', login: { name: 'bob' }, ...options })
export async function use(signal: AbortSignal): Promise<number> {
  client.on('line', ([x, y]) => x + y)
  for await (const [x] of client.events('line', { limit: 5 })) x.toFixed()
  await client.call.clear(undefined, { signal })
  await client.ready.catch((error: ClientError) => error.closeCode)
  client.send.draw(1)
  // @ts-expect-error there is no such call
  client.call.paint()
  return (await client.call.draw(1, { timeoutMs: 10 })).at
}
`

/** As for a page: types of the DOM, and none of Node.js. */
const compilerOptions = {
  target: 'es2022',
  lib: ['es2022', 'dom'],
  types: [],
  module: 'esnext',
  moduleResolution: 'bundler',
  strict: true,
  skipLibCheck: false,
  noEmit: true,
}

// Proves: docs/client.md#bundle
test('the packed client compiles for pages, and is joined without Node.js', async (t) => {
  const folder = installPacked(t)
  writeFileSync(join(folder, 'page.ts'), PAGE)
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['page.ts'] }),
  )
  for (const tsc of [oldestCompiler(), compilerOf('5.9'), OUR_COMPILER]) {
    const { stdout, status } = spawnSync(process.execPath, [tsc], { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, `${tsc}: ${stdout}`)
  }
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'page.ts')],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    logLevel: 'silent',
  })
  assert.doesNotMatch(outputFiles[0]!.text, /\bfrom ["']|\brequire\(/)
})
