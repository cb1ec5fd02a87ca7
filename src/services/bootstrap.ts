/** The first service of a node: it launches the others, then ends. */
import { defineService } from '../service/definition.ts'
import type { LogFormat } from '../service/log.ts'

/** Which service is the logger, and what it is told. */
export interface LoggerConfig {
  readonly service: string
  readonly file: string | undefined
  readonly format: LogFormat
}

export default defineService(
  async (
    skynet,
    start: string,
    args: readonly unknown[],
    { service, file, format }: LoggerConfig,
  ): Promise<void> => {
    const logger = await skynet.newService(service, { args: [file, format], on: 0 })
    if (skynet.localName('.logger') !== logger.handle) {
      throw new Error(`Cannot log with ${service}: it did not register '.logger'`)
    }
    await skynet.newService('service-manager', { on: 0, args: [] })
    await skynet.newService(start, { args: [...args] })
    skynet.timeout(0, () => skynet.exit())
  },
)
