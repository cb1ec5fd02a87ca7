/** Entry of a process that is a node. Arguments: its first service (under bench/), its config. */
import { fileURLToPath } from 'node:url'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { inService, serve } from './serve.ts'
import { settledRss } from './settled.ts'
import { cpuMs } from './usage.ts'

const [service = '', given = '{}'] = process.argv.slice(2)
const config = resolveConfig(
  { ...JSON.parse(given), start: new URL(`../${service}`, import.meta.url).href },
  fileURLToPath(new URL('.', import.meta.url)),
)
const ask = inService()
const node = await startNode(config)

serve(
  {
    /** Hand on to the service. */
    service: ({ name, params }: { name: string; params: object }) => ask(name, params),
    cpuMs,
    /** As it is, with what is garbage. */
    rssNow: () => process.memoryUsage.rss(),
    rss: async () => {
      await ask('collect', {})
      return settledRss()
    },
  },
  () => node.stop(),
)
