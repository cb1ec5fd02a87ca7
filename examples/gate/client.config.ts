/** `npx skynet start examples/gate/client.config.ts`: type `hello`, then `quit`. */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './client.ts',
  thread: 1,
  env: { PORT: 8888 },
})
