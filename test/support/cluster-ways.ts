/** How the nodes of a test reach each other: their part of the config, and what is around them. */
import type { NodeConfig } from 'skynet-ts'
import { type CertificateName, tlsOf } from '../../src/cluster/tcp/tcp.kit.ts'
import { freePorts } from './free-port.ts'
import type { NatsServer, NatsServers } from './nats-server.ts'
import type { Networks } from './networks.ts'

type Cluster = NonNullable<NodeConfig['cluster']>

export interface Way extends AsyncDisposable {
  configOf(node: string): Cluster
  /** A command that runs the process of a node, where it has a network of its own. */
  before?(node: string): readonly string[]
}

const SECRET = 'a secret that only the nodes of a test know'

/** The first node keeps the store. */
export async function overTcp(names: readonly string[], networks?: Networks): Promise<Way> {
  const first = await freePorts(names.length)
  const addressOf = (name: string): string =>
    `${networks?.address(name) ?? '127.0.0.1'}:${first + names.indexOf(name)}`
  return {
    configOf: (name) => ({
      name,
      listen: addressOf(name),
      seed: addressOf(names[0]!),
      secret: SECRET,
    }),
    before: (name) => networks?.before(name) ?? [],
    [Symbol.asyncDispose]: async () => {},
  }
}

/** The same, with certificates instead of a secret. */
export async function overTls(
  names: readonly CertificateName[],
  networks?: Networks,
): Promise<Way> {
  const way = await overTcp(names, networks)
  return {
    ...way,
    configOf: (name) => {
      const { secret: _, ...config } = way.configOf(name)
      return { ...config, tls: tlsOf(name as CertificateName) } as Cluster
    },
  }
}

export function overNats(server: NatsServer, networks?: Networks): Way {
  return {
    configOf: (name) => ({
      name,
      transport: 'nats',
      nats: { servers: server.url, ...server.credentials },
    }),
    before: (name) => networks?.before(name) ?? [],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Three servers, each with the store in files. */
export function overThree(servers: NatsServers, networks?: Networks): Way {
  return {
    configOf: (name) => ({
      name,
      transport: 'nats',
      nats: { servers: servers.urls, ...servers.credentials, storage: 'file', replicas: 3 },
    }),
    before: (name) => networks?.before(name) ?? [],
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  }
}
