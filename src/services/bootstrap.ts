/**
 * The first service of a node: it launches the others, then ends. It comes again when a worker
 * died: then it launches what the node has lost.
 */
import { isSkynetError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import type { LogFormat } from '../service/log.ts'
import { defineService } from '../skynet/define-service.ts'

/** Which service is the logger, and what it is told. */
export interface LoggerConfig {
  readonly service: string
  readonly file: string | undefined
  readonly format: LogFormat
}

/** What is wrong with the config, or keeps a node out, is no matter of a service. */
function asConfig(error: unknown): never {
  const cause = isSkynetError(error, 'ERR_SERVICE_LAUNCH') ? error.cause : undefined
  const isOfConfig = OF_CONFIG.some((code) => isSkynetError(cause, code))
  throw isOfConfig ? cause : error
}
const OF_CONFIG = ['ERR_CONFIG_KEY', 'ERR_CONFIG_VALUE', 'ERR_CLUSTER_AUTH'] as const

/** Until what could not be launched again is tried once more; then twice as long, up to a limit. */
const RETRY_MS = 500
const RETRY_MS_MAX = 30_000

export default defineService(
  async (
    skynet,
    logConfig: LoggerConfig,
    start: string | undefined,
    args: readonly unknown[],
    cluster?: object,
  ): Promise<void> => {
    const isMissing = (name: string): boolean => skynet.localName(name) === undefined
    const launch: Readonly<Record<string, () => Promise<void>>> = {
      '.logger': async () => {
        const { service, file, format } = logConfig
        const logger = await skynet.newService(service, { args: [file, format], on: 'same' })
        if (skynet.localName('.logger') !== logger.handle) {
          throw new Error(`Cannot log with ${service}: it did not register '.logger'`)
        }
      },
      '.service': async () => {
        await skynet.newService('service-manager', { on: 'same', args: [] })
      },
      ...(cluster && {
        '.cluster': async () => {
          const launched = skynet.newService('cluster', { on: 'dedicated', args: [cluster] })
          await launched.catch(asConfig)
        },
      }),
    }
    const names = Object.keys(launch)
    if (start !== undefined) {
      for (const name of names) await launch[name]!()
      await skynet.newService(start, { args: [...args] })
      skynet.timeout(0, () => skynet.exit())
      return
    }

    let missing = names.length
    /** The node goes on without it, and its lines go to standard error. */
    const restore = async (name: string, waitMs: number): Promise<void> => {
      try {
        if (isMissing(name)) await launch[name]!()
      } catch (error) {
        // This service has ended while it waited: the node stops.
        if (isSkynetError(error, 'ERR_SERVICE_EXITED')) return
        // Another worker that died may have brought another one of this.
        if (isMissing(name)) {
          skynet.error(`Cannot launch '${name}' now, again in ${waitMs} ms: ${messageOf(error)}`)
          const nextMs = Math.min(waitMs * 2, RETRY_MS_MAX)
          skynet.timeout(waitMs, () => restore(name, nextMs))
          return
        }
      }
      missing--
      if (missing === 0) skynet.exit()
    }
    for (const name of names) skynet.timeout(0, () => restore(name, RETRY_MS))
  },
)
