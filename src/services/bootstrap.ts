/**
 * The first service of a node: it launches the others, then ends. It comes again when a worker
 * died: then it launches what the node has lost.
 */
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
    logConfig: LoggerConfig,
    start: string | undefined,
    args: readonly unknown[],
  ): Promise<void> => {
    const isMissing = (name: string): boolean => skynet.localName(name) === undefined
    if (isMissing('.logger')) {
      const { service, file, format } = logConfig
      const logger = await skynet.newService(service, { args: [file, format], on: 'same' })
      if (skynet.localName('.logger') !== logger.handle) {
        throw new Error(`Cannot log with ${service}: it did not register '.logger'`)
      }
    }
    if (isMissing('.service')) {
      await skynet.newService('service-manager', { on: 'same', args: [] })
    }
    if (start !== undefined) await skynet.newService(start, { args: [...args] })
    skynet.timeout(0, () => skynet.exit())
  },
)
