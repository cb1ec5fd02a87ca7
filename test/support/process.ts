/** A node in a process of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'

/** The path of a fixture; an absolute path as it is. */
export const fixture = (name: string): string => resolve(import.meta.dirname, '../fixtures', name)

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Less than most tests may last: a process that hangs is ended, and its test tells its words. */
const HANG_MS = 100_000

/** Run a fixture that is a program, and wait for its end. */
export function program(name: string): Promise<Ended> {
  const file = fixture(name).replace(/\.ts$/, import.meta.url.slice(-3))
  const child = spawn(process.execPath, [file])
  return endInTime({ child, ended: endOf(child) })
}

/**
 * Run a node in a process of its own, and wait for its end.
 *
 * @param hangMs More where it has much to do.
 */
export async function inProcess(
  start: string,
  args: unknown[],
  config = {},
  hangMs = HANG_MS,
): Promise<Ended> {
  return endInTime(runNode(start, args, config), hangMs)
}

/** @param before A command that runs the process: `nice -n 19`. */
export function runNode(start: string, args: unknown[], config = {}, before: string[] = []) {
  const file = fixture('run-node.ts').replace(/\.ts$/, import.meta.url.slice(-3))
  const node = [process.execPath, file, fixture(start), JSON.stringify(args)]
  const [command, ...words] = [...before, ...node, JSON.stringify(config)]
  const child = spawn(command!, words)
  return { child, ended: endOf(child) }
}

async function endInTime(
  { child, ended }: ReturnType<typeof runNode>,
  hangMs = HANG_MS,
): Promise<Ended> {
  const hang = setTimeout(() => child.kill('SIGKILL'), hangMs)
  const found = await ended
  clearTimeout(hang)
  if (child.killed) throw new Error(`It had not ended after ${hangMs} ms: ${found.out}${found.err}`)
  return found
}

async function endOf(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, out, err }
}
