/** The gate that users of Skynet know, by its name: docs/gate.md. */
import { watchedGate } from '../gate/gate-service.ts'
import { defineService } from '../skynet/define-service.ts'

export default defineService((skynet) => watchedGate(skynet))
