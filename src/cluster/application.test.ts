import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { resolveService } from '../modules/modules.ts'
import { Application } from './application.ts'

/** A folder with a package, in it a folder with the first service. */
function withPackage(run: (root: string, start: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'skynet-test-'))
  try {
    mkdirSync(join(root, 'src', 'deep'), { recursive: true })
    writeFileSync(join(root, 'package.json'), '{"name":"game","version":"1.2.3"}')
    run(root, join(root, 'src', 'main.ts'))
  } finally {
    rmSync(root, { recursive: true })
  }
}

test('a module is named by its path from the package, and found there', () => {
  withPackage((root, start) => {
    const application = new Application(start)
    assert.deepEqual([application.root, application.build], [root, 'game@1.2.3'])
    const url = pathToFileURL(join(root, 'src', 'deep', 'room.ts')).href
    assert.equal(application.moduleOf(url), 'src/deep/room.ts')
    assert.equal(application.urlOf('src/deep/room.ts', 'game@1.2.3'), url)
  })
})

test('a module from elsewhere, or of another build, is refused', () => {
  withPackage((root, start) => {
    const application = new Application(start, 'b7')
    const elsewhere = pathToFileURL(join(root, '..', 'other', 'room.ts')).href
    const refused = { code: 'ERR_SERVICE_LAUNCH' }
    assert.throws(() => application.moduleOf(elsewhere), refused)
    for (const module of ['../x.ts', 'src/../../x.ts', '', '/etc/passwd/../../..']) {
      assert.throws(() => application.urlOf(module, 'b7'), refused, module)
    }
    assert.throws(() => application.urlOf('src/main.ts', 'b8'), refused)
    assert.equal(application.urlOf('/src/main.ts', 'b7'), pathToFileURL(start).href)
  })
})

test('a service that comes along is named by its name, wherever it is installed', () => {
  withPackage((_root, start) => {
    const application = new Application(start, 'b7')
    const url = resolveService('datacenterd', import.meta.url, [])
    assert.equal(application.moduleOf(url), 'skynet:datacenterd')
    assert.equal(application.urlOf('skynet:datacenterd', 'b7'), url)
    for (const module of ['skynet:nothing', 'skynet:../cli/main', 'skynet:', `skynet:${start}`]) {
      assert.throws(() => application.urlOf(module, 'b7'), module)
    }
  })
})
