/** Plays one client: answers what it asks, and sends a heartbeat. */
import { defineService } from 'skynet-ts'
import { type GateRef, onClient } from 'skynet-ts/gate'
import { c2s, s2c } from './proto.ts'
import type simpledb from './simpledb.ts'
import type watchdogService from './watchdog.ts'

const HEARTBEAT_MS = 5000
const host = c2s.host('package')

export default defineService(async (skynet, gate: GateRef, watchdog: number, fd: number) => {
  const db = await skynet.queryService<typeof simpledb>('./simpledb.ts')
  const peer = host.attach(s2c)

  const client = onClient(skynet, async (bytes) => {
    const message = peer.dispatch(bytes)
    if (message.type === 'response') return undefined
    switch (message.name) {
      case 'handshake':
        return message.respond?.({
          msg: 'Welcome to skynet, I will send heartbeat every 5 sec.',
        })
      case 'get': {
        const result = await db.call.get(message.request.what ?? '')
        return message.respond?.({ result })
      }
      case 'set': {
        const { what = '', value = '' } = message.request
        await db.call.set(what, value)
        return message.respond?.()
      }
      case 'quit':
        // No answer: the connection ends, behind those of this turn, which leave at its end.
        await skynet.sleep(0)
        await skynet.ref<typeof watchdogService>(watchdog).call.close(fd)
        return undefined
    }
  })

  skynet.interval(HEARTBEAT_MS, () => client.send(fd, peer.request('heartbeat')))
  // Without a watchdog nobody would end this.
  skynet.fork(async () => {
    await skynet.monitor(watchdog)
    skynet.exit()
  })
  await gate.call.forward(fd)

  return {
    async disconnect() {
      // What the last messages were answered is on its way to the client within this turn.
      await skynet.sleep(0)
      skynet.exit()
    },
  }
})
