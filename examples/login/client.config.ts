/** `npx skynet start examples/login/client.config.ts` */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './client.ts',
  thread: 1,
  env: { LOGIN_PORT: 8001, GAME_PORT: 8888 },
})
