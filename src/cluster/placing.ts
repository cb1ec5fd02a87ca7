/** On which node a service is launched. */
import { SkynetError } from '../base/errors.ts'
import { CLUSTER_LOAD_MS } from '../base/limits.ts'
import { hashOf, type NodePlacement } from '../launch/placement.ts'
import type { ClusterMember } from '../skynet/cluster-api.ts'

/** How many services a node has. Rejects when it does not answer in that time. */
export type LoadOf = (node: string, timeoutMs: number) => Promise<number>

/**
 * The name of the node. Those that drain or are not heard get nothing new.
 *
 * @throws {SkynetError} `ERR_NODE_UNKNOWN` when there is no other.
 */
export async function placeOn(
  where: NodePlacement,
  nodes: readonly ClusterMember[],
  loadOf: LoadOf,
): Promise<string> {
  if (typeof where === 'string' && where !== 'least') return where
  const names = nodes.filter(({ state }) => state === 'up').map(({ node }) => node)
  if (names.length === 0) throw new SkynetError('ERR_NODE_UNKNOWN', { node: 'that is up' })
  return typeof where === 'string' ? leastOf(names, loadOf) : sharedBy(names, where.key)
}

/**
 * Each node has a number for the key, and the highest has it: when a node comes or goes, only the
 * keys that it has change their place.
 */
function sharedBy(names: readonly string[], key: string): string {
  const rank = (node: string): number => mixed(hashOf(`${node}\0${key}`))
  return names.reduce((best, each) => {
    const isHigher = rank(each) - rank(best) || (each < best ? 1 : -1)
    return isHigher > 0 ? each : best
  })
}

/** Keys that are alike have numbers that are not: the last steps of MurmurHash3. */
function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16)
  mix = Math.imul(mix, 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return (mix ^ (mix >>> 16)) >>> 0
}

async function leastOf(names: readonly string[], loadOf: LoadOf): Promise<string> {
  const loads = await Promise.all(
    names.map((node) => loadOf(node, CLUSTER_LOAD_MS).catch(() => Number.POSITIVE_INFINITY)),
  )
  return names[loads.indexOf(Math.min(...loads))]!
}
