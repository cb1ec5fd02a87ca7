import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'

type PublicTypes = (source: string, target: string, doors: readonly string[]) => void
/** Plain JavaScript, which the build runs: the compiler leaves it where it is. */
const tool = new URL('../../tools/types.mjs', import.meta.url).href
const { publicTypes } = (await import(tool)) as { publicTypes: PublicTypes }

/** What is written for files that the compiler has declared, of which `door.d.ts` is the door. */
function made(t: TestContext, files: Readonly<Record<string, string>>): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-types-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}.d.ts`), text)
  }
  const target = join(folder, 'made')
  publicTypes(folder, target, ['door.d.ts'])
  const names = readdirSync(target).sort()
  return Object.fromEntries(
    names.map((name) => [name.replace('.d.ts', ''), readFileSync(join(target, name), 'utf8')]),
  )
}

test('publicTypes() keeps what the door leads to, and drops all else', (t) => {
  const files = made(t, {
    door: "export type { A } from './a.ts';\nexport { make } from './a.ts';\n",
    a: `import { type B, C as Sea } from './b.ts';
import type { Hidden } from './hidden.ts';
/** Of users; see Hidden. */
export interface A {
    readonly b: B<'}; C'>;
    other(): import("./c.ts").D;
}
declare const LIMITS: {
    readonly x: 1;
};
export declare function make(limit: keyof typeof LIMITS): A;
export declare function inside(hidden: Hidden): Sea;
`,
    b: 'export type B<T> = T;\nexport interface C {\n}\n',
    c: 'export interface D {\n    e: E;\n}\ninterface E {\n}\ninterface F {\n}\nexport {};\n',
    hidden: 'export interface Hidden {\n}\n',
  })
  assert.deepEqual(files, {
    door: "export type { A } from './a.js';\nexport { make } from './a.js';\n",
    a: `import type { B } from './b.js';
/** Of users; see Hidden. */
export interface A {
    readonly b: B<'}; C'>;
    other(): import("./c.js").D;
}
declare const LIMITS: {
    readonly x: 1;
};
export declare function make(limit: keyof typeof LIMITS): A;
`,
    b: 'export type B<T> = T;\n',
    c: 'export interface D {\n    e: E;\n}\ninterface E {\n}\nexport {};\n',
  })
})

test('publicTypes() drops private members, and constructors that users do not call', (t) => {
  const text = (name: string): string => `export declare class ${name} {
    #private;
    private readonly host;
    /** Made of a Host. */
    constructor(host: Host, more: {
        x: number;
    });
    /** Its name. */
    get name(): string;
    private static of;
    constructorOf(): void;
}
`
  const { a } = made(t, {
    door: "export type { A } from './a.ts';\nexport { B } from './a.ts';\n",
    a: `import type { Host } from './host.ts';\n${text('A')}${text('B')}`,
    host: 'export interface Host {\n}\n',
  })
  const kept = '    /** Its name. */\n    get name(): string;\n    constructorOf(): void;\n}\n'
  const maker =
    '    /** Made of a Host. */\n    constructor(host: Host, more: {\n        x: number;\n    });\n'
  assert.equal(
    a,
    `import type { Host } from './host.js';
export declare class A {\n${kept}export declare class B {\n${maker}${kept}`,
  )
})
