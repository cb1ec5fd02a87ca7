/** `npx skynet start examples/login/skynet.config.ts`, then the client beside it. */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './main.ts',
  env: { LOGIN_PORT: 8001, GAME_PORT: 8888 },
})
