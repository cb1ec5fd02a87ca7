/** A node in a process of its own. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

export const fixture = (name: string): string => join(import.meta.dirname, '../fixtures', name)

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Run a node in a process of its own, and wait for its end. */
export async function inProcess(start: string, args: unknown[], config = {}): Promise<Ended> {
  const file = fixture('run-node.ts').replace(/\.ts$/, import.meta.url.slice(-3))
  const words = [file, fixture(start), JSON.stringify(args), JSON.stringify(config)]
  const child = spawn(process.execPath, words)
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, out, err }
}
