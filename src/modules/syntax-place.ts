/**
 * Where the text of an ES module is wrong. Node.js knows, and says so only when such an error ends
 * the process: of one that is caught neither message nor stack names a file. So a process of its
 * own parses the module again, and what that imports by relative paths. It runs none of them.
 */
import { clearTimeout, setTimeout } from '../base/event-loop.ts'

/** Parsing takes far less; a file may lie on a disk that does not answer. */
const PARSE_MS_MAX = 5000

/** Its arguments: URL of the module, message of the error. Ends with that error, told in full. */
const PARSER = `
import { readFileSync } from 'node:fs'
import { SourceTextModule } from 'node:vm'
const [, first, message] = process.argv
const urls = new Set([first])
for (const url of urls) {
  try {
    const text = readFileSync(new URL(url), 'utf8')
    const { moduleRequests, dependencySpecifiers } = new SourceTextModule(text, { identifier: url })
    const wanted = moduleRequests?.map(({ specifier }) => specifier) ?? dependencySpecifiers
    for (const each of wanted) if (/^[.][^]*[.]m?js$/.test(each)) urls.add(new URL(each, url).href)
  } catch (error) {
    if (error instanceof SyntaxError && error.message === message) throw error
  }
}
`

/** Put the place of a syntax error above its stack, where Node.js puts it when it has one. */
export async function tellPlace(url: URL, error: SyntaxError): Promise<void> {
  // Where no process can be started, that is not what is to be told.
  const place = await parsedPlace(url.href, error.message).catch(() => '')
  if (/^file:.*:\d+$/.test(place)) error.stack = `${place}\n${error.stack}`
}

async function parsedPlace(href: string, message: string): Promise<string> {
  // Not at the top: a node whose modules are in order needs no child process.
  const { execFile } = await import('node:child_process')
  const flags = ['--experimental-vm-modules', '--no-warnings', '--input-type=module']
  const words = [...flags, '--eval', PARSER, href, message]
  const env = { ...process.env, NODE_OPTIONS: '' }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, { env }, (_error, _stdout, stderr) => {
      clearTimeout(limit)
      resolve(stderr.split('\n', 1)[0]!)
    })
    const limit = setTimeout(() => child.kill('SIGKILL'), PARSE_MS_MAX)
  })
}
