/** `npx skynet start examples/gate/skynet.config.ts`, then the client beside it. */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './main.ts',
  env: { PORT: 8888 },
})
