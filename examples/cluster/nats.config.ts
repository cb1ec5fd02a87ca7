/** The same node, in a cluster over NATS: what `npm start -- examples/cluster --nats` starts. */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './door.ts',
  thread: 1,
  cluster: { name: 'a', transport: 'nats', nats: { servers: '127.0.0.1:4222' } },
  env: { PORT: 8001 },
})
