/** Entry: the same by ioredis. Arguments: the folder where it is installed, the port. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Pace, paceCalls } from '../support/pace.ts'
import { serve } from '../support/serve.ts'

interface Client {
  echo(value: number): Promise<string>
  disconnect(): void
}
type Ioredis = new (port: number, host: string) => Client

const [folder = '', port = ''] = process.argv.slice(2)
const load = createRequire(join(folder, 'main.js'))
const { default: Redis } = load('ioredis') as { readonly default: Ioredis }
const client = new Redis(Number(port), '127.0.0.1')

serve(
  {
    ask: (pace: Pace & { concurrent: number }) =>
      paceCalls(async (value) => Number(await client.echo(value)), pace),
  },
  () => client.disconnect(),
)
