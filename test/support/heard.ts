/** What a client hears, or that it hears no more: who waits for an answer sees the end. */
import type { Socket } from 'node:net'

/**
 * The text that comes from now on, once it has `length` characters. Rejects with what came until
 * then when the connection ends, or breaks.
 */
export function heard(socket: Socket, length = 1): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const over = (settle: () => void): void => {
      socket.off('data', hear).off('end', ended).off('close', ended).off('error', failed)
      settle()
    }
    const hear = (bytes: Buffer): void => {
      text += bytes.toString()
      if (text.length >= length) over(() => resolve(text))
    }
    const failed = (error: Error | undefined): void => {
      const how = error === undefined ? 'the connection ended' : error.message
      const wanted = `${length} characters were to come`
      over(() => reject(new Error(`${how}, ${wanted}: ${JSON.stringify(text)}`)))
    }
    const ended = (): void => failed(undefined)
    if (socket.readableEnded || socket.destroyed) ended()
    else socket.on('data', hear).on('end', ended).on('close', ended).on('error', failed)
  })
}
