/** Two players score, and the board tells. */
import { defineService } from 'skynet-ts'
import type board from './board.ts'

export default defineService(async (skynet) => {
  const scores = await skynet.uniqueService<typeof board>('./board.ts')
  await scores.call.score('ada', 3)
  await scores.call.score('bob', 5)
})
