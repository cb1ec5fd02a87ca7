/**
 * A program that draws with the others, by the client that the page has too:
 * `npx tsx examples/web/bot.ts tcp://127.0.0.1:7000 [name]`, or `ws://127.0.0.1:8080/canvas` where
 * Node.js has a WebSocket, from 22 on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { COLOURS, canvas, SIDE } from './protocol.ts'

const PIECES = 90
const PAUSE_MS = 40

const [place = 'tcp://127.0.0.1:7000', name = `bot ${process.pid % 1000}`] = process.argv.slice(2)
const url = new URL(place)
const way =
  url.protocol === 'tcp:'
    ? { transport: framedTcp({ host: url.hostname, port: Number(url.port) }) }
    : { url }

const client = connect(canvas, { ...way, login: { name } })
client.onState((state) => console.log(state))
await client.ready

const petals = 3 + Math.floor(Math.random() * 6)
const colour = 1 + Math.floor(Math.random() * (COLOURS.length - 1))
const [x, y, size] = [
  0.3 + Math.random() * 0.4,
  0.3 + Math.random() * 0.4,
  0.15 + Math.random() * 0.15,
]

/** A spot of the flower, `part` of the way around. */
function spot(part: number): number[] {
  const angle = part * 2 * Math.PI
  const radius = size * (0.65 + 0.35 * Math.cos(petals * angle))
  return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)].map((at) =>
    Math.round(at * SIDE),
  )
}

for (let at = 0; at < PIECES; at++) {
  const steps = [0, 1 / 3, 2 / 3, 1].map((step) => (at + step) / PIECES)
  const id = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)
  // Drawn once, whatever becomes of the connection meanwhile.
  await client.call.draw({ id, colour, width: 10, points: steps.flatMap(spot) })
  await sleep(PAUSE_MS)
}
console.log(`${name} has drawn a flower of ${petals} petals`)
await client.close()
