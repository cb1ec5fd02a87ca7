/**
 * Answers lines with lines. `bulk <n>` is answered by n bytes, as fast as they are read;
 * `flood <n>` by n bytes at once, whoever reads them; any other line by itself. Who said
 * `remember me` hears what `say` says.
 */
import { type Connection, defineService, isSkynetError } from 'skynet-ts'
import { collect } from '../../../bench/support/settled.ts'
import { bulk } from './bulk.ts'

const PIECE_BYTES = 32 * 1024
const GONE = ['ERR_SOCKET_FAILED', 'ERR_SOCKET_CLOSED'] as const

export interface AgentStats {
  readonly lines: number
  /** How connections ended: `end`, or the code of the error. */
  readonly ends: Readonly<Record<string, number>>
}

export default defineService((skynet) => {
  const ends: Record<string, number> = {}
  const remembered = new Set<Connection>()
  let lines = 0

  const answer = async (connection: Connection, line: string): Promise<void> => {
    const [, order, count] = /^(bulk|flood) (\d+)$/.exec(line) ?? []
    if (order === undefined) {
      if (!connection.write(`${line}\n`)) await connection.drain()
      return
    }
    for (let at = 0; at < Number(count); at += PIECE_BYTES) {
      const isTaken = connection.write(bulk(at, Math.min(PIECE_BYTES, Number(count) - at)))
      if (!isTaken && order === 'bulk') await connection.drain()
    }
  }
  /** Its peer may have reset the connection, known here or not: then there is nobody to tell. */
  const refuse = (connection: Connection): void => {
    try {
      connection.write('error: line too long\n')
    } catch (error) {
      if (!GONE.some((code) => isSkynetError(error, code))) throw error
    }
  }
  const serve = async (id: number): Promise<void> => {
    let connection: Connection | undefined
    let why = 'end'
    try {
      connection = await skynet.socket.start(id)
      connection.setNoDelay()
      for (;;) {
        const line = await connection.readLine()
        if (line === null) break
        lines++
        if (line === 'remember me') remembered.add(connection)
        await answer(connection, line)
      }
    } catch (error) {
      why = isSkynetError(error) ? error.code : String(error)
      if (why === 'ERR_LINE_TOO_LONG') refuse(connection!)
    }
    ends[why] = (ends[why] ?? 0) + 1
    if (connection === undefined) return
    remembered.delete(connection)
    await connection.close()
  }
  return {
    serve: (id: number) => skynet.fork(serve, id),
    stats: (): AgentStats => ({ lines, ends: { ...ends } }),
    heap: async () => {
      await collect()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    },
    say: (text: string) => {
      for (const connection of remembered) connection.write(`${text}\n`)
    },
  }
})
