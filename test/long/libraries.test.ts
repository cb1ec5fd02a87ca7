/** Libraries of npm in services: native parts, threads and sockets of their own. */
import { test } from 'node:test'
import { withPackages } from '../support/installed.ts'
import { assertStops, assertWell, live } from '../support/world.ts'

/** Those with native parts bring them: to compile one takes a minute. */
const PACKAGES = [
  'bcrypt@6.0.0',
  'libsql@0.5.29',
  'nanoid@5.1.16',
  'piscina@5.3.2',
  'sharp@0.34.5',
  'undici@7.30.2',
]

// Proves: docs/node.md#world-native
test('a node is well with native libraries on several workers, one of which ends', async (t) => {
  const folder = withPackages('libraries', PACKAGES, ['libraries.mjs', 'task.cjs'])
  if (folder === undefined) {
    return t.diagnostic(`left out: npm cannot install ${PACKAGES.join(' ')}`)
  }
  const cli = live(t, ':', { start: `${folder}/libraries.mjs`, thread: 3 })
  await assertWell(cli)
  await assertStops(cli)
})
