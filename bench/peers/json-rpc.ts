/**
 * Entry: calls and messages by JSON-RPC. Arguments: `each` or `tick`; the port of who answers, or
 * nothing to answer.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { JsonRpc, type Writes } from '../support/json-rpc.ts'
import { type Pace, paceCalls, Receiver, Sender } from '../support/pace.ts'
import { serve } from '../support/serve.ts'
import { cpuMs } from '../support/usage.ts'

const [writes, port] = process.argv.slice(2) as [Writes, string?]
if (port === undefined) await answer()
else await ask(Number(port))

async function answer(): Promise<void> {
  const server = createServer((socket) => {
    const receiver = new Receiver((count) => rpc.notify('acked', count))
    const rpc = new JsonRpc(socket, writes, {
      echo: (value: number) => value,
      receive: (at: number, text: string) => receiver.receive({ at, text }),
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  serve({ port: () => (server.address() as AddressInfo).port, cpuMs })
}

async function ask(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let text = ''
  const sender = new Sender((at) => rpc.notify('receive', at, text))
  const rpc = new JsonRpc(socket, writes, { acked: (count: number) => sender.acked(count) })
  serve({
    call: (pace: Pace & { concurrent: number }) =>
      paceCalls((value) => rpc.call('echo', value), pace),
    send: ({ bytes, ...pace }: Pace & { bytes: number }) => {
      text = 'x'.repeat(bytes)
      return sender.pace(pace)
    },
    cpuMs,
  })
}
