/** Everything public that takes options, as the declarations of the doors tell. */
import { readFileSync } from 'node:fs'
import { DOORS } from '../../tools/doors.ts'

const ROOT = new URL('../../../dist/src/', import.meta.url)
const TAKES_OPTIONS =
  /\b\w*(Options|Settings|LaunchRest|UniqueRest|ProtocolDefinition)\b|\boptions\??: \{/
/** `    read(count: number, options?: WaitOptions): Promise<Buffer>` */
const MEMBER = /^ {4}(?:static )?(\w+)(?:<.*?>)?\((.*)\): /gm

const declared = (path: string): string =>
  readFileSync(new URL(path.replace(/\.[jt]s$/, '.d.ts'), ROOT), 'utf8')
    // Types of arguments that are spelled out stand on lines of their own.
    .replace(/\{\n\s+([^{}\n]*)\n\s+\}/g, '{ $1 }')

/** What a public class is said to be: `class Connection implements ByteStream {`. */
const CONTRACTS = /^export declare class \w+.* implements (.*) \{$/gm

/** `Connection.read`, `supervise`: sorted. A contract is left out where a public class meets it. */
export function publicOptions(): string[] {
  const found = new Set<string>()
  const all = DOORS.flatMap((door) => exportsOf(declared(door.replace(/^src\//, ''))))
  const contracts = all.flatMap(({ path }) =>
    [...declared(path).matchAll(CONTRACTS)].flatMap(([, names]) =>
      names!.replace(/<[^>]*>/g, '').split(', '),
    ),
  )
  for (const { name, path } of all) {
    if (contracts.includes(name)) continue
    for (const each of optionsOf(name, declared(path))) found.add(each)
  }
  return [...found].sort()
}

/** A name of a door, and where it leads: `name` is that of the declaration in `path`. */
export interface DoorExport {
  readonly name: string
  readonly path: string
  /** What users import; another than `name` where that is the old one. */
  readonly as: string
}

/** What a door exports, in its TypeScript or its declarations. */
export function exportsOf(text: string): DoorExport[] {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, '')
  return [...bare.matchAll(/export (?:type )?\{([^}]*)\} from '([^']*)'/g)].flatMap(
    ([, names, path]) =>
      names!
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '')
        .map((each) => {
          const [name = '', as = name] = each.split(' as ')
          return { name, as, path: path! }
        }),
  )
}

function* optionsOf(name: string, text: string): Generator<string> {
  // Each of its overloads.
  const itself = RegExp(`export (?:declare function ${name}\\b|type ${name} = <?.*\\().*`, 'g')
  if ([...text.matchAll(itself)].some(([line]) => TAKES_OPTIONS.test(line))) yield name
  const whole = RegExp(`export (?:declare class|interface) ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`)
  const members = whole.exec(text)?.[1] ?? ''
  for (const [, member, given] of members.matchAll(MEMBER)) {
    if (TAKES_OPTIONS.test(given!)) yield `${name}.${member}`
  }
}
