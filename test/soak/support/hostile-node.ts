/** Entry of the process that is attacked: a node with two workers. Argument: its log file. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { inService, serve } from '../../../bench/support/serve.ts'

const [logger = ''] = process.argv.slice(2)
const start = new URL('./line-gate.ts', import.meta.url)
start.pathname = start.pathname.replace(/\.ts$/, import.meta.url.slice(-3))
const ask = inService()
const node = await startNode(
  resolveConfig({ start: start.href, thread: 2, logger }, fileURLToPath(new URL('.', start))),
)

serve(
  {
    service: ({ name, params }: { name: string; params: object }) => ask(name, params),
    rss: () => process.memoryUsage.rss(),
    /** The one that reads the folder is among them, each time. */
    descriptors: () => readdirSync('/dev/fd').length,
  },
  () => node.stop(),
)
