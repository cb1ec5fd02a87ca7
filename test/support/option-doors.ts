/** Everything public that takes options, as the declarations of the doors tell. */
import { readFileSync } from 'node:fs'

const ROOT = new URL('../../../dist/src/', import.meta.url)
const DOORS = ['index', 'node', 'testing', 'socket-server']
const TAKES_OPTIONS = /\b\w*(Options|Settings|LaunchRest|ProtocolDefinition)\b|\boptions\??: \{/
/** `    read(count: number, options?: WaitOptions): Promise<Buffer>` */
const MEMBER = /^ {4}(?:static )?(\w+)(?:<.*?>)?\((.*)\): /gm

const declared = (path: string): string =>
  readFileSync(new URL(path.replace(/\.[jt]s$/, '.d.ts'), ROOT), 'utf8')
    // Types of arguments that are spelled out stand on lines of their own.
    .replace(/\{\n\s+([^{}\n]*)\n\s+\}/g, '{ $1 }')

/** `Connection.read`, `supervise`: sorted. */
export function publicOptions(): string[] {
  const found = new Set<string>()
  for (const door of DOORS) {
    const exports = /export (?:type )?\{([^}]*)\} from '([^']*)'/g
    for (const [, names, path] of declared(`${door}.ts`).matchAll(exports)) {
      const text = declared(path!)
      for (const name of names!.split(',').map((each) => each.trim())) {
        if (name !== '') for (const each of optionsOf(name, text)) found.add(each)
      }
    }
  }
  return [...found].sort()
}

function* optionsOf(name: string, text: string): Generator<string> {
  const itself = RegExp(`export (?:declare function ${name}\\b|type ${name} = <?.*\\().*`).exec(
    text,
  )
  if (itself !== null && TAKES_OPTIONS.test(itself[0])) yield name
  const whole = RegExp(`export (?:declare class|interface) ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`)
  const members = whole.exec(text)?.[1] ?? ''
  for (const [, member, given] of members.matchAll(MEMBER)) {
    if (TAKES_OPTIONS.test(given!)) yield `${name}.${member}`
  }
}
