/** `skynet cluster`: what is to be done for a cluster that no node of it does. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { UsageError } from './report.ts'

/** @param args The words after `cluster`. */
export async function cluster(args: string[]): Promise<void> {
  const [word, ...words] = args
  if (word !== 'permissions') throw new UsageError(`Cannot run 'cluster ${word ?? ''}': no such`)
  await permissions(words)
}

type Nats = typeof import('../cluster/nats/permissions.ts')

/**
 * Prints a part of the config of a server. A node is `name`, whose nkey is in the folder of seeds,
 * made if it is not there; or `name=<its public key>`.
 */
async function permissions(args: string[]): Promise<void> {
  const { name, nodes, folder } = parsePermissions(args)
  const nats = await import('../cluster/nats/permissions.ts')
  const keys = new Map<string, string>()
  for (const { node, key } of nodes) {
    if (keys.has(node)) throw new UsageError(`Cannot name node '${node}' twice`)
    keys.set(node, key === undefined ? keyIn(folder, node, nats) : checkedKey(key, node, nats))
  }
  process.stdout.write(nats.serverConfig(name, keys))
}

function parsePermissions(args: string[]) {
  const { values, positionals } = parsed(args)
  const [name, ...rest] = positionals
  if (name === undefined || name === '') throw new UsageError('Cannot do without a cluster')
  if (rest.length === 0) throw new UsageError('Cannot do without a node')
  const nodes = rest.map((word) => {
    const at = word.lastIndexOf('=')
    const node = at < 0 ? word : word.slice(0, at)
    if (node === '') throw new UsageError(`Cannot use '${word}': no node is named`)
    return { node, key: at < 0 ? undefined : word.slice(at + 1) }
  })
  return { name, nodes, folder: values.seeds }
}

function parsed(args: string[]) {
  try {
    const options = { seeds: { type: 'string' } } as const
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function checkedKey(key: string, node: string, { isPublicKey }: Nats): string {
  if (isPublicKey(key)) return key
  throw new UsageError(`Cannot use the key of '${node}': it must be public, of a user: U…`)
}

/** A seed is a secret: whoever has it is that node. */
function keyIn(folder: string | undefined, node: string, nats: Nats): string {
  if (folder === undefined) {
    throw new UsageError(`Cannot do without the key of '${node}': ${node}=U…, or --seeds folder`)
  }
  const file = join(folder, nats.seedFileOf(node))
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(file, `${nats.newSeed()}\n`, { mode: 0o600, flag: 'wx' })
  }
  return nats.publicKeyOf(readFileSync(file, 'utf8').trim())
}
