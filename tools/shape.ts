/**
 * The shape of the code, checked: how many files one needs, how much a class shows, which names
 * there are twice. What is allowed to be larger is named with its reason, and such a list can only
 * become shorter: what needs its entry no more fails as well.
 */
import type { Import, Source } from './source.ts'

/** Files of ours that one may import, types counted. */
const FAN_OUT_MAX = 12
/** Members that a class may show to others, its constructor aside. */
const MEMBERS_MAX = 20
const LONGEST_SHOWN = 10

export interface Allowed {
  /** Files that need more others: path → why. */
  readonly assemblies: Readonly<Record<string, string>>
  /** Classes that show more: name → why. */
  readonly facades: Readonly<Record<string, string>>
  /** Names that more than one file exports: name → how many do. */
  readonly doubles: Readonly<Record<string, number>>
}

/** Where the lists stand. */
const LISTS = 'tools/allowed.ts'

type Report = (file: string, line: number, sentence: string) => void

/**
 * @param sources Of src, without tests and doors.
 * @param target The file of ours that is imported.
 */
export function checkShape(
  sources: readonly Source[],
  target: (source: Source, each: Import) => string | undefined,
  allowed: Allowed,
  report: Report,
): void {
  checkFanOut(sources, target, allowed.assemblies, report)
  checkMembers(sources, allowed.facades, report)
  checkNames(sources, allowed.doubles, report)
}

function checkFanOut(
  sources: readonly Source[],
  target: (source: Source, each: Import) => string | undefined,
  assemblies: Allowed['assemblies'],
  report: Report,
): void {
  const large = new Set<string>()
  for (const source of sources) {
    const statics = source.imports.filter(({ kind }) => kind === 'value' || kind === 'type')
    const needed = new Set(statics.map((each) => target(source, each)))
    needed.delete(undefined)
    if (needed.size <= FAN_OUT_MAX) continue
    large.add(source.path)
    if (Object.hasOwn(assemblies, source.path)) continue
    report(source.path, 1, `imports ${needed.size} files of ours, at most ${FAN_OUT_MAX}`)
  }
  refuseOthers('assemblies', assemblies, large, report)
}

function checkMembers(
  sources: readonly Source[],
  facades: Allowed['facades'],
  report: Report,
): void {
  const large = new Set<string>()
  for (const source of sources) {
    for (const { name, line, members } of classesOf(source)) {
      if (members.size <= MEMBERS_MAX) continue
      large.add(name)
      if (Object.hasOwn(facades, name)) continue
      report(source.path, line, `${members.size} public members in a class, at most ${MEMBERS_MAX}`)
    }
  }
  refuseOthers('facades', facades, large, report)
}

function checkNames(sources: readonly Source[], doubles: Allowed['doubles'], report: Report): void {
  const places = new Map<string, { readonly path: string; readonly line: number }[]>()
  for (const source of sources) {
    for (const [name, line] of exportsOf(source)) {
      places.set(name, [...(places.get(name) ?? []), { path: source.path, line }])
    }
  }
  const known = new Set<string>()
  for (const [name, found] of places) {
    const most = Object.hasOwn(doubles, name) ? doubles[name]! : 1
    if (found.length > 1) known.add(name)
    if (found.length > 1 && found.length < most) {
      report(LISTS, 1, `doubles: ${found.length} files export ${name}, not ${most}`)
    }
    if (found.length <= most) continue
    const [first, ...others] = found
    for (const { path, line } of others) report(path, line, `${name} is exported by ${first!.path}`)
  }
  refuseOthers('doubles', doubles, known, report)
}

function refuseOthers(
  list: keyof Allowed,
  entries: Readonly<Record<string, unknown>>,
  needed: ReadonlySet<string>,
  report: Report,
): void {
  for (const name of Object.keys(entries)) {
    if (!needed.has(name)) report(LISTS, 1, `${list}: the entry of ${name} is not needed any more`)
  }
}

interface Class {
  readonly name: string
  readonly line: number
  readonly members: ReadonlySet<string>
}

const CLASS = /^(?:export )?(?:default )?(?:abstract )?class (\w+)/
/** Of a class that is not nested, as the formatter indents it. */
const MEMBER = RegExp(
  String.raw`^ {2}(?:(?:static|readonly|async|get|set|abstract|override|declare) )*\*?` +
    String.raw`(\[[\w$.]+\]|[\w$]+)(?=[(<:?!;]| =|$)`,
)
const HIDDEN = /^ {2}(?:(?:private|protected)\b|constructor\b)/

/** Relies on the formatter: a class ends at the first `}` without indent. */
function classesOf({ bareLines }: Source): Class[] {
  const found: Class[] = []
  bareLines.forEach((line, i) => {
    const name = CLASS.exec(line)?.[1]
    if (name === undefined) return
    const open = bareLines.findIndex((each, at) => at >= i && /\{\s*$/.test(each))
    const close = bareLines.findIndex((each, at) => at >= i && each.startsWith('}'))
    const body = bareLines.slice(open + 1, close).filter((each) => !HIDDEN.test(each))
    const members = new Set(body.flatMap((each) => MEMBER.exec(each)?.[1] ?? []))
    found.push({ name, line: i + 1, members })
  })
  return found
}

const DECLARED =
  /^export (?:(?:declare|abstract|async) )*(?:class|interface|type|const|let|function\*?) (\w+)/
const LISTED = /^export (?:type )?\{([^}]*)\}/

/** What a file exports by name, and where it says so first. */
function exportsOf({ bareLines }: Source): Map<string, number> {
  const found = new Map<string, number>()
  bareLines.forEach((line, i) => {
    const listed = (LISTED.exec(line)?.[1] ?? '').split(',').flatMap((each) => {
      return /(\w+)\s*$/.exec(each)?.[1] ?? []
    })
    for (const name of [DECLARED.exec(line)?.[1] ?? [], listed].flat()) {
      if (!found.has(name)) found.set(name, i + 1)
    }
  })
  return found
}

/** The longest files, for who reads them to judge: `  749 src/service/service.ts`. */
export function longest(sources: readonly Source[]): string[] {
  return sources
    .map(({ path, lines }) => ({ path, count: lines.length - (lines.at(-1) === '' ? 1 : 0) }))
    .sort((a, b) => b.count - a.count)
    .slice(0, LONGEST_SHOWN)
    .map(({ path, count }) => `${String(count).padStart(5)} ${path}`)
}
