/** Entry: clients of node:tls, for servers of both sides. */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { vectorsOf } from '../../src/testing/vectors.ts'
import type { Measure } from '../support/bench.ts'
import { serve } from '../support/serve.ts'

export interface TlsLoad {
  readonly port: number
  readonly connections: number
  /** Of a message; 0: what is counted is handshakes. */
  readonly bytes: number
  readonly seconds: number
}

const { ca } = vectorsOf<{ ca: { cert: string } }>('certificates')

async function open(port: number): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: ca.cert })
  await once(socket, 'secureConnect')
  return socket
}

async function run(load: TlsLoad): Promise<Measure> {
  const endsAt = performance.now() + load.seconds * 1000
  const startedAt = performance.now()
  const each = load.bytes === 0 ? handshakes : echoes
  const counts = await Promise.all(
    Array.from({ length: load.connections }, () => each(load, endsAt)),
  )
  const completed = counts.reduce((sum, count) => sum + count, 0)
  return { completed, value: (completed * 1000) / (performance.now() - startedAt) }
}

async function handshakes({ port }: TlsLoad, endsAt: number): Promise<number> {
  let count = 0
  while (performance.now() < endsAt) {
    const socket = await open(port)
    count++
    socket.end()
    await once(socket.resume(), 'close')
  }
  return count
}

async function echoes({ port, bytes }: TlsLoad, endsAt: number): Promise<number> {
  const socket = await open(port)
  const message = Buffer.alloc(bytes, 'x')
  let count = 0
  let received = 0
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (received < bytes) return
      if (received > bytes || chunk.at(-1) !== message[0]) reject(new Error('something else came'))
      received = 0
      count++
      if (performance.now() < endsAt) socket.write(message)
      else resolve()
    })
    socket.write(message)
  })
  socket.destroy()
  return count
}

serve({ run })
