/** Where a project lies, how its folder is called, and how it came by its modules. */
import { cpSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fixture } from '../support/process.ts'
import { assertStops, assertWell, live } from '../support/world.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** `at` becomes what leads to `target`. */
function link(target: string, at: string): undefined {
  mkdirSync(dirname(at), { recursive: true })
  symlinkSync(target, at)
}

/** As a package manager puts a package there: a copy, with the modules that it needs beside it. */
function copy(modules: string): undefined {
  const to = join(modules, 'skynet-ts')
  cpSync(join(ROOT, 'dist/lib'), join(to, 'dist/lib'), {
    recursive: true,
    filter: (source) => !source.includes('skynet-v'),
  })
  cpSync(join(ROOT, 'package.json'), join(to, 'package.json'))
  for (const each of ['koffi', '@koromix'])
    link(join(ROOT, 'node_modules', each), join(modules, each))
}

const copied = (project: string): undefined => copy(join(project, 'node_modules'))

/** Puts our package where Node.js finds it. Returns where the node begins: by default, there. */
type Install = (project: string) => string | undefined

const INSTALLED: Record<string, Install> = {
  'whose package is linked': (project) => link(ROOT, join(project, 'node_modules/skynet-ts')),
  'whose package is copied': copied,
  'whose packages lie in a store': (project) => {
    const store = join(project, 'node_modules/.pnpm/skynet-ts@0.1.0/node_modules')
    copy(store)
    return link(join(store, 'skynet-ts'), join(project, 'node_modules/skynet-ts'))
  },
  'whose node_modules are elsewhere': (project) => {
    copy(`${project}-modules/node_modules`)
    return link(`${project}-modules/node_modules`, join(project, 'node_modules'))
  },
  'within the node_modules of another': (project) => {
    copy(join(project, 'node_modules/app/node_modules'))
    for (const each of ['healthy.mjs', 'skynet.json', 'package.json']) {
      renameSync(join(project, each), join(project, 'node_modules/app', each))
    }
    return join(project, 'node_modules/app')
  },
  'that a link leads to': (project) => {
    copied(project)
    link(project, `${project}-link`)
    return `${project}-link`
  },
  'whose service is a link to a file elsewhere': (project) => {
    copied(project)
    // Its imports are looked up from where it is.
    renameSync(join(project, 'healthy.mjs'), join(project, 'node_modules/healthy.mjs'))
    return link('node_modules/healthy.mjs', join(project, 'healthy.mjs'))
  },
}

for (const [how, install] of Object.entries(INSTALLED)) {
  // Proves: docs/node.md#world-folder-names
  test(`a node is well in a project ${how}`, (t) => assertRuns(t, 'project', install))
}

/** Node.js itself runs nothing below a folder whose name has a backslash. */
const NAMES = [
  'with spaces ',
  'number#sign',
  'per%cent%20%00',
  'question?mark=1&b',
  'ünïcödé 世界 😀',
  'new\nline',
  'quotes\'"`',
  '$HOME;[a]{b}(c)*',
  'file:',
  '.hidden',
  'x'.repeat(200),
]
// Proves: docs/node.md#world-folder-names
test('a node is well in folders whatever their names are', (t) => {
  return assertRuns(t, join(...NAMES), copied)
})

async function assertRuns(t: TestContext, name: string, install: Install): Promise<void> {
  const cli = live(t, (folder) => {
    const project = join(folder, name)
    mkdirSync(project, { recursive: true })
    cpSync(fixture('healthy.js'), join(project, 'healthy.mjs'))
    const config = { start: './healthy.mjs', args: [join(folder, 'note')], thread: 2 }
    writeFileSync(join(project, 'skynet.json'), JSON.stringify(config))
    writeFileSync(join(project, 'package.json'), '{}')
    const place = (install(project) ?? project).replaceAll("'", `'\\''`)
    const command = 'node_modules/skynet-ts/dist/lib/cli/main.js start skynet.json'
    return `cd '${place}'; set -- ${command}`
  })
  await assertWell(cli)
  await assertStops(cli)
}
