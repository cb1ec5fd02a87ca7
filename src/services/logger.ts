/** `.logger`: writes the lines of all services to standard output, or to a file with times. */

import { write as writeFd } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { defineService } from '../service/definition.ts'
import { formatLine, type LogLine } from '../service/log.ts'

/** Bytes that may wait for a slow disk or terminal; beyond, lines are dropped and counted. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024
const STDOUT = 1

export default defineService(async (skynet, file: string | undefined) => {
  const target: FileHandle | undefined = file === undefined ? undefined : await open(file, 'a')
  let waiting = ''
  let dropped = 0
  let isWriting = false
  let onIdle: (() => void) | undefined

  const writeAll = (bytes: Buffer): void => {
    writeFd(target?.fd ?? STDOUT, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') setTimeout(() => writeAll(bytes), 10)
      else if (error === null && written < bytes.length) writeAll(bytes.subarray(written))
      else next()
    })
  }
  const next = (): void => {
    isWriting = waiting !== ''
    if (!isWriting) {
      onIdle?.()
      return
    }
    const bytes = Buffer.from(waiting)
    waiting = ''
    writeAll(bytes)
  }
  const add = (line: string): void => {
    if (waiting.length > WAITING_BYTES_MAX) {
      dropped++
      return
    }
    if (dropped > 0) waiting += `[logger] ${dropped} lines were dropped\n`
    dropped = 0
    waiting += `${line}\n`
    if (isWriting) return
    isWriting = true
    // One write for all lines of this turn.
    setImmediate(next)
  }

  skynet.onExit(async () => {
    if (isWriting) {
      await new Promise<void>((resolve) => {
        onIdle = resolve
      })
    }
    await target?.close()
  })
  skynet.register('.logger')
  return {
    /** A TEXT message: `source` is its sender. */
    text(_source: number, line: LogLine): void {
      const time = target === undefined ? '' : `${new Date(line.at).toISOString()} `
      add(`${time}${formatLine(line)}`)
    },
  }
})
