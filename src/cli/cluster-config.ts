/** The key `cluster` of a config: its parts, and which of them go together. */
import { CLUSTER_SECRET } from '../base/cluster-secret.ts'
import {
  CLUSTER_BUILD_BYTES_MAX,
  CLUSTER_LEASE_MS_MIN,
  CLUSTER_NAME_BYTES_MAX,
  TIMER_MS_MAX,
} from '../base/limits.ts'
import type { ClusterConfig } from '../threads/options.ts'
import { type Check, certificates, integer, object, oneOf, text, texts } from './checks.ts'

type Part = keyof ClusterConfig
/** Any of its parts, whether they go together or not. */
export type ClusterParts = { readonly [P in Part]?: NonNullable<ClusterConfig[P]> }

/** What is in them the room of clusters checks, once it is loaded. */
export const CLUSTER_KEYS: { readonly [P in Part]-?: Check<NonNullable<ClusterConfig[P]>> } = {
  name: text(),
  transport: oneOf('tcp', 'nats'),
  callTimeoutMs: integer(1, TIMER_MS_MAX),
  leaseMs: integer(CLUSTER_LEASE_MS_MIN, TIMER_MS_MAX),
  build: text(),
  cluster: text(),
  listen: text(),
  advertise: text(),
  seed: text(),
  nodes: texts(),
  secret: { ...text(), expected: CLUSTER_SECRET },
  tls: certificates(),
  nats: object(),
}

/** What is for one transport alone. */
const ONLY = {
  tcp: ['listen', 'advertise', 'seed', 'nodes', 'secret', 'tls'],
  nats: ['nats'],
} as const satisfies Record<NonNullable<ClusterConfig['transport']>, readonly Part[]>

/** The first part that does not go with the others, and what it must be. */
export function wrongAmong(
  parts: ClusterParts,
): readonly [part: Part, expected: string] | undefined {
  const { transport = 'tcp', name = '', cluster = '', build = '' } = parts
  const other = transport === 'tcp' ? 'nats' : 'tcp'
  const isGiven = (part: Part): boolean => parts[part] !== undefined
  const odd = ONLY[other].find(isGiven)
  if (odd !== undefined) return [odd, `left out where 'cluster.transport' is '${transport}'`]
  for (const [part, text] of Object.entries({ name, cluster, build })) {
    const max = part === 'build' ? CLUSTER_BUILD_BYTES_MAX : CLUSTER_NAME_BYTES_MAX
    const isRight = Buffer.byteLength(text) <= max && text.isWellFormed()
    if (!isRight) return [part as Part, `text of at most ${max} bytes`]
  }
  if (transport === 'nats') return isGiven('nats') ? undefined : ['nats', 'given, with its servers']
  if (isGiven('seed') === isGiven('nodes')) {
    return ['seed', "given, or 'cluster.nodes', and not both"]
  }
  const isListed = parts.nodes !== undefined && Object.hasOwn(parts.nodes, name)
  if (isGiven('listen') || isListed) return undefined
  return ['listen', `given, as 'cluster.nodes' has no '${name}'`]
}
