// The types that users see: of what the compiler declares in dist/src, what the doors lead to, and
// no more. A declaration of ours may name anything inside; published, it would be checked with the
// compiler of whoever imports it, whose version and target we do not know.
//
// What stays: each declaration that a door exports, each that such a one names, in the file where
// the compiler has put it. What goes: all other declarations and imports, `#private` (it needs a
// target of its users), private members, and how classes are made that users do not make. Members
// that are for other files of src are marked `@internal`, which the compiler leaves out.
import * as fs from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** Ends with its body, all others with a semicolon. */
const WITH_BODY = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|enum|namespace)\b/
const DECLARED =
  /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|enum|type|const|function) (\w+)/
const FROM = /^(import|export) (type )?(?:\{([^}]*)\}|\* as (\w+)|(\w+)) from ['"]([^'"]+)['"];$/
const INLINE = /\bimport\(['"]([^'"]+)['"]\)\.(\w+)/g
const CONSTRUCTOR = /^(?:private )?constructor\(/
const HIDDEN = /^(?:#private|private )/

/** @param doors Files of `source` that export what is public. They are written to `target`. */
export function publicTypes(source, target, doors) {
  const files = new Map()
  const kept = new Map()
  const made = new Set()
  const fileOf = (path) => {
    if (!files.has(path)) files.set(path, readFile(path))
    return files.get(path)
  }
  const visit = (path, name) => {
    const names = kept.get(path) ?? kept.set(path, new Set()).get(path)
    if (names.has(name)) return
    const { imports, declared } = fileOf(path)
    const known = imports.get(name)
    if (known === undefined && !declared.has(name)) return
    names.add(name)
    if (known !== undefined) {
      if (known.path !== undefined) visit(known.path, known.name)
      return
    }
    for (const statement of declared.get(name)) {
      const text = bare(shown(statement, made.has(`${path} ${name}`)))
      for (const [word] of text.matchAll(/\b[A-Z]\w*|(?<=\btypeof )\w+/g)) visit(path, word)
      for (const [, specifier, inner] of statement.matchAll(INLINE)) {
        visit(pathOf(path, specifier), inner)
      }
    }
  }
  const exported = doors.flatMap((door) => exportsOf(join(source, door)))
  for (const { path, name, isValue } of exported) if (isValue) made.add(`${path} ${name}`)
  for (const { path, name } of exported) visit(path, name)
  for (const [path, names] of kept) {
    const text = written(path, fileOf(path), names, made)
    write(join(target, relative(source, path)), text)
  }
  for (const door of doors) {
    write(join(target, door), withEndings(fs.readFileSync(join(source, door), 'utf8')))
  }
}

function write(file, text) {
  fs.mkdirSync(dirname(file), { recursive: true })
  fs.writeFileSync(file, text)
}

/** What a door exports, each from where. */
function exportsOf(door) {
  return statementsOf(fs.readFileSync(door, 'utf8')).flatMap((statement) => {
    const [, , isType, list = '', , , specifier] = FROM.exec(bare(statement)) ?? []
    return namesOf(list).map(({ name }) => ({
      path: pathOf(door, specifier),
      name,
      isValue: !isType,
    }))
  })
}

/** Its imports by local name, its declarations by name: of a function with several heads all. */
function readFile(path) {
  const imports = new Map()
  const declared = new Map()
  const statements = statementsOf(fs.readFileSync(path, 'utf8'))
  for (const statement of statements) {
    const text = bare(statement)
    const from = FROM.exec(text)
    if (from !== null) {
      const [, , , list = '', space, whole, specifier] = from
      const target = specifier.startsWith('.') ? pathOf(path, specifier) : undefined
      for (const { name, local } of namesOf(list)) imports.set(local, { path: target, name })
      if (space !== undefined || whole !== undefined) imports.set(space ?? whole, { name: '' })
      continue
    }
    const name = DECLARED.exec(text)?.[1]
    if (name !== undefined) declared.set(name, [...(declared.get(name) ?? []), statement])
  }
  return { statements, imports, declared }
}

const namesOf = (list) =>
  list
    .split(',')
    .map((each) => each.trim().replace(/^type /, ''))
    .filter((each) => each !== '')
    .map((each) => {
      const [name, local = name] = each.split(' as ')
      return { name, local }
    })

const pathOf = (from, specifier) => `${join(dirname(from), specifier.replace(/\.[jt]s$/, ''))}.d.ts`

function written(path, { statements }, names, made) {
  const parts = statements.flatMap((statement) => {
    const text = bare(statement)
    const from = FROM.exec(text)
    if (from !== null) return importOf(from, names)
    const name = DECLARED.exec(text)?.[1]
    if (name !== undefined && !names.has(name)) return []
    return [shown(statement, made.has(`${path} ${name}`))]
  })
  return withEndings(`${parts.join('\n')}\n`)
}

/** The same import, of what is still needed: types, as nothing else can be in there. */
function importOf([text, kind, , list = '', space, whole, specifier], names) {
  if (list === '') return names.has(space ?? whole) ? [text] : []
  const needed = namesOf(list).filter(({ local }) => names.has(local))
  if (needed.length === 0) return []
  const shown = needed.map(({ name, local }) => (name === local ? name : `${name} as ${local}`))
  return [`${kind} type { ${shown.join(', ')} } from '${specifier}';`]
}

/** A declaration as users see it. */
function shown(statement, isMade) {
  const start = statement.length - bareTail(statement).length
  const isClass = /^(?:export )?(?:declare )?(?:abstract )?class\b/.test(statement.slice(start))
  if (!isClass) return statement
  const open = statement.indexOf('{', start)
  const members = statementsOf(statement.slice(open + 1, -1)).filter((member) => {
    const text = bareTail(member)
    return CONSTRUCTOR.test(text) ? isMade : !HIDDEN.test(text)
  })
  return `${statement.slice(0, open + 1)}\n${members.map((each) => `    ${each}\n`).join('')}}`
}

/** `./x.ts` is what the compiler writes; every resolver knows `./x.js`. */
const withEndings = (text) =>
  text.replace(/(\bfrom |\bimport\()(['"])(\.[^'"]+)\.ts\2/g, '$1$2$3.js$2')

/** Statements of a file or members of a class, each with the comments above it. */
function statementsOf(text) {
  const statements = []
  let start = 0
  let depth = 0
  for (const { at, token } of tokensOf(text)) {
    if ('([{'.includes(token)) depth++
    if (')]}'.includes(token)) depth--
    if (depth > 0) continue
    const statement = text.slice(start, at + 1).trim()
    const isEnd = token === ';' || (token === '}' && WITH_BODY.test(bareTail(statement)))
    if (!isEnd) continue
    statements.push(statement)
    start = at + 1
  }
  return statements
}

/** Brackets and semicolons outside of comments and texts. */
function* tokensOf(text) {
  const pattern =
    /\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|[()[\]{};]/g
  for (const { 0: token, index } of text.matchAll(pattern)) {
    if (token.length === 1) yield { at: index, token }
  }
}

/** Without comments. */
const bare = (text) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').trim()
/** Without the comments in front. */
const bareTail = (text) => text.replace(/^(?:\s*(?:\/\*[\s\S]*?\*\/|\/\/.*))*\s*/, '')
