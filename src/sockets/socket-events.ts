/** What a kind of socket does at each event of the socket thread, as a table. */
import { EVENT } from '../net/event.ts'

/** `ud` and `payload` are as `EVENT` says. */
type Handler<Socket> = (socket: Socket, ud: number, payload: Buffer) => void

/** By the number of the event. None: it means nothing to that kind. */
export type Handlers<Socket> = readonly (Handler<Socket> | undefined)[]

/** @param rows What that kind of socket does, by the name of the event. */
export function handlers<Socket>(
  rows: Readonly<Partial<Record<keyof typeof EVENT, Handler<Socket>>>>,
): Handlers<Socket> {
  const table = new Array<Handler<Socket> | undefined>(Math.max(...Object.values(EVENT)) + 1)
  table.fill(undefined)
  for (const [name, kind] of Object.entries(EVENT)) table[kind] = rows[name as keyof typeof EVENT]
  return table
}
