/** The smallest service. */
import { defineService } from 'skynet-ts'

export default defineService(() => ({ ping: () => 'pong' }))
