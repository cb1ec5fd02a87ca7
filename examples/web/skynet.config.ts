/** `npm start -- examples/web`. Another port: `npm start -- examples/web --set env.PORT=9000`. */
import { defineConfig } from 'skynet-ts'

export default defineConfig({
  start: './main.ts',
  env: { HOST: '127.0.0.1', PORT: 8080, TCP_PORT: 7000, LINE_PORT: 7001 },
})
