/** One client: reads its lines, obeys its commands, writes what its room says. */
import {
  type Connection,
  defineService,
  isSkynetError,
  type MethodsOf,
  type ServiceRef,
} from 'skynet-ts'
import type nicksService from './nicks.ts'
import type roomService from './room.ts'
import type { Guest } from './room.ts'
import type roomsService from './rooms.ts'

type Room = ServiceRef<MethodsOf<typeof roomService>>

const LINE_BYTES_MAX = 8 * 1024
const NAME = /^[\p{L}\p{N}_-]{1,24}$/u
const NAME_RULE = 'is 1 to 24 letters, digits, - or _'
/** What could play tricks on the terminal of whoever reads it. */
const UNSAFE = /(?!\t)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

export default defineService(async (skynet, socketId: number) => {
  const connection = await skynet.socket.start(socketId)
  const nicks = await skynet.queryService<typeof nicksService>('./nicks.ts')
  const rooms = await skynet.queryService<typeof roomsService>('./rooms.ts')

  let room: Room | undefined
  skynet.onExit(() => {
    room?.send.leave(skynet.self)
    rooms.send.leave(skynet.self)
    nicks.send.release(skynet.self)
  })
  let nick = await nicks.call.guest(skynet.self)
  const write = (line: string): void => tell(connection, line)

  /** Each step is awaited: no line of the old room comes after the first of the new one. */
  const enter = async (name: string, greeting: string): Promise<void> => {
    await room?.call.leave(skynet.self)
    room = await rooms.call.enter(skynet.self, name)
    await room.call.join(skynet.selfRef<Guest>(), nick, greeting)
  }

  const commands: Record<string, (name: string) => unknown> = {
    async nick(name) {
      if (!NAME.test(name)) write(`error: a nick ${NAME_RULE}`)
      else if (!(await nicks.call.claim(skynet.self, name))) write(`error: ${name} is taken`)
      else {
        nick = name
        await room?.call.rename(skynet.self, nick)
        write(`you are ${nick}`)
      }
    },
    async join(name) {
      if (!NAME.test(name)) write(`error: the name of a room ${NAME_RULE}`)
      else await enter(name, `you are in ${name}`)
    },
    async who() {
      write(`${await room?.call.who()}`)
    },
    quit: () => connection.close(),
  }

  const obey = async (line: string): Promise<void> => {
    const [command = '', ...words] = line.slice(1).trim().split(/\s+/)
    // Awaited, so that who talks faster than the room can tell is read no faster.
    if (!line.startsWith('/')) await room?.call.say(skynet.self, line)
    else if (Object.hasOwn(commands, command)) await commands[command]?.(words.join(' '))
    else write(`error: no command /${command}; there are /${Object.keys(commands).join(' /')}`)
  }

  connection.setNoDelay()
  await enter('lobby', `welcome, you are ${nick} in lobby`)
  skynet.fork(async () => {
    await serve(connection, obey).catch((error: unknown) => skynet.error(error))
    skynet.exit()
  })
  return { hear: write }
})

/** Who does not read what its room says is dropped once 1 MiB waits for it. */
function tell(connection: Connection, line: string): void {
  if (connection.isOpen && !connection.write(`${line}\n`)) connection.shutdown()
}

/** Hand each line to `obey`, until either side ends the connection. */
async function serve(connection: Connection, obey: (line: string) => Promise<void>): Promise<void> {
  const read = () => connection.readLine({ max: LINE_BYTES_MAX })
  try {
    for (let line = await read(); line !== null && connection.isOpen; line = await read()) {
      await obey(line.replace(UNSAFE, '\uFFFD'))
    }
  } catch (error) {
    if (isSkynetError(error, 'ERR_LINE_TOO_LONG')) {
      tell(connection, 'error: a line has at most 8 KiB')
    } else if (connection.isOpen) throw error
  }
}
