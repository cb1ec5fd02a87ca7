/** What the services of a node ask of its `clusterd`. */
import type { ClusterListen, ClusterPlace } from './cluster-listeners.ts'
import type { ClusterNodeInfo, NodeTable } from './remote-nodes.ts'
import type { Target } from './request-frames.ts'
import type { SnaxMethod, Words } from './words.ts'

/** What the door asks of it; nobody else does. */
export interface ClusterdMethods {
  /**
   * The answer as it came, or why there is none: what a method throws is told as of a request that
   * has run, and this knows better.
   */
  request(node: string, target: Target, message: Uint8Array): Promise<Uint8Array | Error>
  push(node: string, target: Target, message: Uint8Array): void
  /** Resolves once there is a connection, or with why there is none. */
  connect(node: string): Promise<Error | undefined>
  /** The stamp of these words. */
  reload(table: NodeTable): number
  nodes(): ClusterNodeInfo[]
  open(listen: Required<ClusterListen>): Promise<ClusterPlace>
  openNamed(node: string, maxClient: number): Promise<ClusterPlace>
  /** The stamp of this word. */
  register(name: string, handle: number): number
  registerSnax(name: string, handle: number, methods: readonly SnaxMethod[]): number
  /** Who had it. */
  unregister(name: string): { handle: number; stamp: number } | undefined
  /** What a service has said to an instance of before. The stamp of what nobody had heard. */
  restore(words: Words): number
  /** The handle of a service that passes everything on. */
  proxy(node: string, target: Target): Promise<number>
  giveUp(source: number, session: number): void
}
