/** Beside a redis-server: see docs/channel.md. Another port: `--set env.REDIS_PORT=7000`. */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './main.ts',
  env: { REDIS_PORT: 6379 },
})
