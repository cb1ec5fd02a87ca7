/** Clients over any stream of messages: of KCP or TLS in a service, or to a node of a test. */
import { checkFunction } from '../../base/check.ts'
import { setImmediate } from '../../base/event-loop.ts'
import type { ClientLinkMaker } from '../../client/client-link.ts'
import type { MessageStream } from '../../sockets/message-stream.ts'

/**
 * `transport` of a client, or of bots, over streams of messages:
 *
 *     transport: streamTransport(() => connectKcp(skynet, { port: 7000 }))
 *     transport: streamTransport(async () => {
 *       return (await node.connect(port)).frames({ header: 'u16be' })
 *     })
 *
 * @param open Makes one connected stream for each connection. What it throws is a connection that
 * could not be made, and the client tries again.
 */
export function streamTransport(
  open: () => MessageStream | Promise<MessageStream>,
): ClientLinkMaker {
  checkFunction('make a transport of streams', 'open', open)
  return {
    open(events) {
      let stream: MessageStream | undefined
      let isClosed = false
      const run = async (): Promise<void> => {
        const opened = await open()
        stream = opened
        if (isClosed) return opened.close()
        events.opened()
        await opened.each((message) => {
          if (!isClosed) events.heard(message)
        })
      }
      const ended = (reason: string): void => {
        if (isClosed) return
        isClosed = true
        void stream?.close()
        events.closed(reason)
      }
      run().then(
        () => ended('the server has ended it'),
        (error: unknown) => ended(String(error)),
      )
      return {
        send(message) {
          if (isClosed || stream === undefined) return
          try {
            stream.send(message)
          } catch (error) {
            // Not at once: who sends does not expect to be told meanwhile.
            setImmediate(ended, String(error))
          }
        },
        close() {
          isClosed = true
          void stream?.close()
        },
      }
    },
  }
}
