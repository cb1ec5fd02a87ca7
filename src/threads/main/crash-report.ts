/**
 * What is left of a node, or a worker, that died: a file for whoever looks into it later. Runs on
 * the main thread. What shared memory knows is taken at once; what living workers know is added.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { formatHandle, SkynetError } from '../../base/errors.ts'
import { isoTime } from '../../base/event-loop.ts'
import { COMMAND_RING_BYTES, CRASH_REPORTS_MAX, RING_BYTES } from '../../base/limits.ts'
import { makeFolder } from '../../base/own-file.ts'
import { describe, messageOf } from '../../base/thrown.ts'
import type { BusyWatch } from '../../kernel/busy.ts'
import { Loads } from '../../kernel/loads.ts'
import type { MailboxInfo } from '../../service/runtime.ts'
import { ManyRing } from '../../shm/ring.ts'
import type { NodeMemory } from '../memory.ts'

/** What is known of a thread that could be asked. */
export interface ThreadState {
  readonly thread: string
  /** The longest mailboxes, the longest first. */
  readonly mailboxes?: readonly MailboxInfo[]
  /** Of one that does not answer: where it is, when that could be had. */
  readonly stack?: readonly string[]
}

export interface CrashReporterOptions {
  /** Where reports go; undefined: nowhere. */
  readonly folder: string | undefined
  readonly memory: NodeMemory
  readonly monitor: BusyWatch
  /** Told the path of each report, or why there is none. */
  readonly print: (text: string) => void
}

/** A report that is not written yet. */
export interface CrashReport {
  /** @returns The path; undefined when it could not be written. */
  write(threads?: readonly ThreadState[]): string | undefined
}

export class CrashReporter {
  readonly #options: CrashReporterOptions
  #count = 0

  constructor(options: CrashReporterOptions) {
    this.#options = options
  }

  get isOn(): boolean {
    return this.#options.folder !== undefined && this.#count < CRASH_REPORTS_MAX
  }

  /**
   * Take down what is known now: the cells of a worker that died may be used again soon.
   *
   * @param what Who died: `skynet worker 1`.
   * @param fault What it died of: an error, or what else was thrown.
   */
  begin(what: string, fault: unknown): CrashReport {
    const { memory, monitor } = this.#options
    const loads = new Loads(memory.loads, 0)
    const workers = Array.from({ length: memory.workers }, (_, worker) => ({
      worker,
      services: loads.of(worker),
      unreadBytes: usedBytes(memory.messages[worker]!, RING_BYTES),
      lastMessages: monitor.lastMessages(worker),
    }))
    const facts = {
      at: isoTime(),
      what,
      fault: describe(fault).split('\n'),
      versions: versions(),
      process: { pid: process.pid, uptimeSeconds: process.uptime(), ...memoryUsage() },
      unreadCommandBytes: usedBytes(memory.commands, COMMAND_RING_BYTES),
      workers,
    }
    return { write: (threads = []) => this.#write({ ...facts, threads: threads.map(shownState) }) }
  }

  #write(facts: object): string | undefined {
    const { folder, print } = this.#options
    if (folder === undefined || !this.isOn) return undefined
    const path = join(folder, `crash-${process.pid}-${++this.#count}.json`)
    try {
      makeFolder(folder)
      // Of an earlier process of that pid, or a link: the file behind a link stays as it is.
      rmSync(path, { force: true })
      writeFileSync(path, `${JSON.stringify(facts, undefined, 2)}\n`, { flag: 'wx' })
      print(`crash report: ${path}`)
      return path
    } catch (error) {
      const info = { call: `write crash report ${path}`, reason: messageOf(error) }
      print(new SkynetError('ERR_SYSCALL', info).message)
      return undefined
    }
  }
}

const shownState = ({ mailboxes, ...rest }: ThreadState): object => ({
  ...rest,
  ...(mailboxes && {
    mailboxes: mailboxes.map((each) => ({ ...each, handle: formatHandle(each.handle) })),
  }),
})

/** It opens a file: without a descriptor the rest of the report is worth having. */
function memoryUsage(): Partial<NodeJS.MemoryUsage> {
  try {
    return process.memoryUsage()
  } catch {
    return {}
  }
}

function usedBytes(buffer: SharedArrayBuffer, capacity: number): number {
  return new ManyRing({ buffer, bytes: Buffer.from(buffer), address: 0 }, 0, capacity).usedBytes
}

function versions(): Record<string, string> {
  const { version } = createRequire(import.meta.url)('skynet-ts/package.json')
  const { node, v8, uv } = process.versions
  return { skynet: version, node, v8, uv, platform: `${process.platform} ${process.arch}` }
}
