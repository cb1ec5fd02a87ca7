/** `npm start`. Another port: `npm start -- --set env.PORT=9000`. */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './gate.ts',
  env: { PORT: 8888 },
})
