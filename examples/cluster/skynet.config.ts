/**
 * One node of three. `npm start -- examples/cluster` starts all of them; by hand, each is
 *
 *     npx skynet start examples/cluster/skynet.config.ts --set cluster.name=b \
 *       --set cluster.listen=127.0.0.1:7002 --set env.PORT=8002
 */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './door.ts',
  thread: 1,
  cluster: {
    name: 'a',
    listen: '127.0.0.1:7001',
    // Whoever comes here first is told of all others: node a.
    seed: '127.0.0.1:7001',
  },
  env: { PORT: 8001 },
})
