/** Plays one client: what it says it is told. */
import { defineService } from 'skynet-ts'
import { type GateRef, onClient } from 'skynet-ts/gate'

export default defineService(async (skynet, gate: GateRef, fd: number) => {
  onClient(skynet, (message) => message)
  await gate.call.forward(fd)
})
