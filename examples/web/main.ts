/** Starts the doors of the sheet, and says where they are. */
import { defineService } from 'skynet-ts'
import type gateService from './gate.ts'
import type linesService from './lines.ts'

/** For people. */
const WAY_CHARS = 48

export default defineService(async (skynet) => {
  const gate = await skynet.newService<typeof gateService>('./gate.ts')
  const lines = await skynet.newService<typeof linesService>('./lines.ts')
  const [web, tcp] = await gate.call.places()
  const nc = (await lines.call.address()).replace(':', ' ')
  const ways = [
    [`http://${web!.address}`, 'in browsers, as many as you like; the page can cut its connection'],
    [`nc ${nc}`, 'in a terminal, by text'],
    [`npx tsx examples/web/bot.ts tcp://${tcp!.address}`, 'in Node.js, by the client of the page'],
  ]
  const rows = ways.map(([way, what]) => `  ${way!.padEnd(WAY_CHARS)}  ${what}`)
  skynet.log(['everybody draws on one sheet:', ...rows].join('\n'))
})
