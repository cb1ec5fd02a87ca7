/** One source file as the checks see it: scanned, not parsed. The compiler has no API for that. */

export interface Import {
  /** As written: `../base/errors.ts`, `node:fs`. */
  readonly specifier: string
  /** `type` is gone at run time; `url` is `new URL('./file', import.meta.url)`. */
  readonly kind: 'value' | 'type' | 'dynamic' | 'url'
  readonly line: number
}

export interface Source {
  /** From the root of the project, with `/`. */
  readonly path: string
  readonly lines: readonly string[]
  /** The lines with comments and the insides of strings blanked: every column stays in place. */
  readonly bareLines: readonly string[]
  readonly imports: readonly Import[]
}

type Span = readonly [from: number, to: number]

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
/** The text of a template up to its end or its next `${`. */
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y
/** After these a `/` begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|of|in|await|yield))\s*$/

/** `{ a, b }`, `* as a`, or a name followed by one of them. */
const GROUP = String.raw`\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?`
const NAMES = String.raw`(?:${GROUP}|[\w$]+(?:\s*,\s*(?:${GROUP}))?)`
/** The inside of the quotes is blank: its place, not its text, is what a match tells. */
const QUOTED = String.raw`(?<quote>['"])(?<at> *)\k<quote>`
const STATIC = RegExp(
  String.raw`\b(?:import|export)\s+(?<type>type\s+)?(?:${NAMES}\s+from\s+)?${QUOTED}`,
  'dg',
)
const DYNAMIC = RegExp(String.raw`\bimport\(\s*${QUOTED}`, 'dg')
const URLS = RegExp(String.raw`\bnew URL\(\s*${QUOTED},\s*import\.meta\.url`, 'dg')

export function readSource(path: string, text: string): Source {
  const { comments, strings } = scan(text)
  const bare = blank(text, [...comments, ...strings])
  return {
    path,
    lines: text.split('\n'),
    bareLines: bare.split('\n'),
    imports: importsOf(text, bare),
  }
}

function importsOf(text: string, bare: string): Import[] {
  const imports: Import[] = []
  const collect = (pattern: RegExp, kind: Import['kind']): void => {
    for (const match of bare.matchAll(pattern)) {
      const [from, to] = match.indices!.groups!.at!
      imports.push({
        specifier: text.slice(from, to),
        kind: match.groups!.type === undefined ? kind : 'type',
        line: bare.slice(0, from).split('\n').length,
      })
    }
  }
  collect(STATIC, 'value')
  collect(DYNAMIC, 'dynamic')
  collect(URLS, 'url')
  return imports
}

/** Where the comments are, and the insides of strings, templates and regular expressions. */
function scan(text: string): { comments: Span[]; strings: Span[] } {
  const comments: Span[] = []
  const strings: Span[] = []
  // One entry for each template we are inside of: where it began, and the braces open in its `${`.
  const templates: { readonly from: number; braces: number }[] = []
  let at = 0

  const matchAt = (pattern: RegExp): number => {
    pattern.lastIndex = at
    return pattern.test(text) ? pattern.lastIndex : 0
  }
  const readTemplate = (): void => {
    at = matchAt(TEMPLATE)
    if (text[at - 1] === '{') return
    strings.push([templates.pop()!.from, at - 1])
  }

  while (at < text.length) {
    const from = at
    const char = text[at]
    const inside = templates.at(-1)
    const commentEnd = char === '/' ? matchAt(COMMENT) : 0
    if (commentEnd > 0) {
      at = commentEnd
      comments.push([from, at])
    } else if (char === '/' && BEFORE_REGEX.test(text.slice(Math.max(0, at - 40), at))) {
      at = matchAt(REGEX) || at + 1
      strings.push([from + 1, at - 1])
    } else if (char === "'" || char === '"') {
      at = matchAt(STRING) || at + 1
      strings.push([from + 1, at - 1])
    } else if (char === '`') {
      at++
      templates.push({ from: at, braces: 0 })
      readTemplate()
    } else {
      at++
      if (inside === undefined) continue
      if (char === '{') inside.braces++
      if (char === '}' && inside.braces-- === 0) {
        inside.braces = 0
        readTemplate()
      }
    }
  }
  return { comments, strings }
}

function blank(text: string, spans: readonly Span[]): string {
  const chars = text.split('')
  for (const [from, to] of spans) {
    for (let at = from; at < to; at++) if (chars[at] !== '\n') chars[at] = ' '
  }
  return chars.join('')
}
