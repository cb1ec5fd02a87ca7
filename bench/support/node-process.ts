/** Entry of a process that is a node. Arguments: its first service (under bench/), its workers. */
import { fileURLToPath } from 'node:url'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { inService, serve } from './serve.ts'
import { settledRss } from './settled.ts'
import { cpuMs } from './usage.ts'

const [service = '', workers = '1'] = process.argv.slice(2)
const config = resolveConfig(
  { start: new URL(`../${service}`, import.meta.url).href, thread: Number(workers) },
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
