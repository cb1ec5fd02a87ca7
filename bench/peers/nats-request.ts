/**
 * Entry: calls and messages as one writes them with the client of NATS: a request for each call, a
 * publish for each message. Arguments: the port of the server; `ask`, or nothing to answer.
 */
import { connect } from '@nats-io/transport-node'
import { type Pace, paceCalls, Receiver, Sender } from '../support/pace.ts'
import { serve } from '../support/serve.ts'
import { cpuMs } from '../support/usage.ts'

const ANSWER_MS_MAX = 60_000

const [port, role] = process.argv.slice(2)
// Without it each request makes an Error, for its stack: the half of what it costs.
const connection = await connect({ servers: `127.0.0.1:${port}`, noAsyncTraces: true })
const end = (): Promise<void> => connection.close()
if (role === 'ask') ask()
else await answer()

async function answer(): Promise<void> {
  const receiver = new Receiver((count) => connection.publish('acked', JSON.stringify(count)))
  connection.subscribe('echo', {
    callback: (_error, message) => {
      message.respond(JSON.stringify(message.json<number>()))
    },
  })
  connection.subscribe('receive', {
    callback: (_error, message) => receiver.receive(message.json()),
  })
  // The server has both subscriptions.
  await connection.flush()
  serve({ cpuMs }, end)
}

function ask(): void {
  let text = ''
  const sender = new Sender((at) => connection.publish('receive', JSON.stringify({ at, text })))
  connection.subscribe('acked', {
    callback: (_error, message) => sender.acked(message.json<number>()),
  })
  const echo = async (value: number): Promise<number> => {
    const options = { timeout: ANSWER_MS_MAX }
    return (await connection.request('echo', JSON.stringify(value), options)).json<number>()
  }
  serve(
    {
      call: (pace: Pace & { concurrent: number }) => paceCalls(echo, pace),
      send: ({ bytes, ...pace }: Pace & { bytes: number }) => {
        text = 'x'.repeat(bytes)
        return sender.pace(pace)
      },
      cpuMs,
    },
    end,
  )
}
