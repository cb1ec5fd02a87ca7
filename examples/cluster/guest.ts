/** Plays one connection: what is typed is said in the room, what is said there is written. */
import {
  type Connection,
  defineService,
  isSkynetError,
  type MethodsOf,
  type ServiceRef,
} from 'skynet-ts'
import type roomService from './room.ts'
import type { Guest } from './room.ts'

type Room = ServiceRef<MethodsOf<typeof roomService>>

/** Before the room is asked for again. */
const PAUSE_MS = 500

export default defineService(async (skynet, socketId: number) => {
  const connection = await skynet.socket.start(socketId)
  const nick = `${skynet.cluster.self}${connection.id}`
  const write = (line: string): void => tell(connection, line)
  let room: Room | undefined
  /** The node that the room is on, or was last. */
  let home = ''
  const unheard = new Set<string>()

  /** Go into the room, and again when it is lost with its node. */
  const stay = async (): Promise<void> => {
    while (connection.isOpen) {
      try {
        const found: Room = await skynet.cluster.uniqueService<typeof roomService>('./room.ts')
        const { node, nicks } = await found.call.join(skynet.selfRef<Guest>(), nick)
        write(`the room is on node ${node}; here are ${nicks.join(', ')}`)
        home = node
        room = found
        await skynet.monitor(found)
        write('the room is lost, with its node')
      } catch (error) {
        // Nobody has it now: its node is dead, and not yet known to be.
        if (!isSkynetError(error)) throw error
      }
      room = undefined
      await skynet.sleep(PAUSE_MS)
    }
  }

  const say = async (text: string): Promise<void> => {
    try {
      if (room === undefined) write('there is no room at the moment: say it again')
      else await room.call.say(nick, text)
    } catch (error) {
      if (!isSkynetError(error)) throw error
      const { sent } = error.info as { sent?: string }
      write(sent === 'no' ? 'nobody heard that' : 'perhaps nobody heard that')
    }
  }

  // Between a node's last sign and the decision that it is dead nothing comes of the room: say why.
  skynet.cluster.onNode(({ node, state }) => {
    if (state === 'suspect') {
      unheard.add(node)
      write(`node ${node}${node === home ? ', where the room is,' : ''} is not heard`)
    } else if (unheard.delete(node)) {
      write(`node ${node} is ${state === 'up' ? 'heard again' : state}`)
    }
  })
  skynet.fork(stay)
  skynet.fork(async () => {
    for await (const line of connection.lines()) await say(line)
    skynet.exit()
  })
  return { hear: write }
})

function tell(connection: Connection, line: string): void {
  if (connection.isOpen) connection.write(`${line}\n`)
}
