/** The same room for who has nothing but `nc`: commands in lines, and what happens in words. */
import { type Connection, defineService, type MethodsOf, type ServiceRef } from 'skynet-ts'
import { brailleOf } from './braille.ts'
import { COLOURS, NAME, SIDE } from './protocol.ts'
import type roomService from './room.ts'
import type { Listener } from './room.ts'

const LINE_BYTES_MAX = 1024
const PEN = 12
const CIRCLE_POINTS = 72
const HELP = `the sheet has ${SIDE} units each way; colours are ${COLOURS.join(' ')}
  line 200 300 1800 900 red    a line from there to there
  circle 1000 1000 400 blue    a circle around there
  look                         the sheet, in braille
  name ann · who · clear · quit`

type Room = ServiceRef<MethodsOf<typeof roomService>>
type Command = (id: string, words: string[]) => string | Promise<string>

export default defineService(async (skynet) => {
  const host = String(skynet.getenv('HOST') ?? '127.0.0.1')
  const port = Number(skynet.getenv('LINE_PORT') ?? 7001)
  const room = await skynet.uniqueService<typeof roomService>('./room.ts')
  const commands = commandsOf(room)
  const guests = new Set<Connection>()
  const server = await skynet.socket.listen({ host, port })

  const serve = async (connection: Connection): Promise<void> => {
    const id = `nc-${connection.id}`
    await room.call.enter(id, id)
    connection.write(`you are ${id}\n${HELP}\n`)
    guests.add(connection)
    try {
      for await (const line of connection.lines({ max: LINE_BYTES_MAX })) {
        const [word = '', ...words] = line.trim().split(/\s+/)
        if (word === 'quit') break
        const command = Object.hasOwn(commands, word) ? commands[word] : undefined
        const answer = (await command?.(id, words)) ?? `error: no command ${word}; try help`
        if (connection.isOpen) connection.write(`${answer}\n`)
      }
    } finally {
      guests.delete(connection)
      room.send.leave(id)
      connection.close()
    }
  }

  skynet.fork(async () => {
    for await (const connection of server) {
      // One who sends what is no line is gone, and nobody else.
      skynet.fork(() => serve(connection).catch(() => connection.shutdown()))
    }
  })
  room.send.listen(skynet.selfRef<Listener>())

  return {
    hear(text: string): void {
      for (const guest of guests) if (guest.isOpen && !guest.write(`* ${text}\n`)) guest.shutdown()
    },
    address: () => server.address,
  }
})

/** Each gets the id of who asks, and the words behind its own; it returns what is answered. */
function commandsOf(room: Room): Readonly<Record<string, Command>> {
  const draw = (id: string, points: readonly number[], colour = 'ink'): string => {
    const isOnSheet = points.every((at) => Number.isInteger(at) && at >= 0 && at <= SIDE)
    if (!isOnSheet) return `error: the sheet is 0 to ${SIDE}, in whole numbers`
    const index = COLOURS.indexOf(colour as (typeof COLOURS)[number])
    if (index < 0) return `error: colours are ${COLOURS.join(' ')}`
    const piece = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)
    room.send.draw(id, { id: piece, colour: index, width: PEN, points })
    return 'ok'
  }
  return {
    line: (id, words) => draw(id, numbersOf(words, 4), words[4]),
    circle: (id, words) => draw(id, circle(numbersOf(words, 3)), words[3]),
    look: async () => brailleOf(await room.call.sheet()),
    async who() {
      const people = await room.call.who()
      return people.map(({ name, isAway }) => (isAway ? `${name} (away)` : name)).join(', ')
    },
    async name(id, words) {
      const name = words.join(' ')
      if (!NAME.test(name)) return 'error: a name has 1 to 20 characters'
      await room.call.rename(id, name)
      return `you are ${name}`
    },
    async clear(id) {
      await room.call.clear(id)
      return 'ok'
    },
    help: () => HELP,
  }
}

const numbersOf = (words: readonly string[], count: number): number[] =>
  Array.from({ length: count }, (_, at) => Number(words[at]))

function circle([x = 0, y = 0, radius = 0]: readonly number[]): number[] {
  return Array.from({ length: CIRCLE_POINTS + 1 }, (_, at) => {
    const angle = (at / CIRCLE_POINTS) * 2 * Math.PI
    return [x + Math.cos(angle) * radius, y + Math.sin(angle) * radius].map(Math.round)
  }).flat()
}
