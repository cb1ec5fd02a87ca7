/** The first service: the database, and a watchdog that opens the gate. */
import { defineService } from 'skynet-ts'
import type watchdogService from './watchdog.ts'

export default defineService(async (skynet) => {
  await skynet.uniqueService('./simpledb.ts')
  const watchdog = await skynet.newService<typeof watchdogService>('./watchdog.ts')
  const { host, port } = await watchdog.call.start({
    host: '127.0.0.1',
    port: Number(skynet.getenv('PORT')),
    maxClient: 64,
    // Who says nothing for so long gives its place to others.
    messageTimeoutMs: 10 * 60_000,
    options: { noDelay: 1 },
  })
  skynet.log(`the gate listens on ${host}:${port}`)
})
