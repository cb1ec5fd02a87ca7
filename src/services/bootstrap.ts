/** The first service of a node: it launches the others, then ends. */
import { defineService } from '../service/definition.ts'
import type logger from './logger.ts'

export default defineService(
  async (
    skynet,
    start: string,
    args: readonly unknown[],
    logFile: string | undefined,
  ): Promise<void> => {
    await skynet.newService<typeof logger>('logger', { args: [logFile], on: 0 })
    await skynet.newService('service-manager', { on: 0, args: [] })
    await skynet.newService(start, { args: [...args] })
    skynet.timeout(0, () => skynet.exit())
  },
)
