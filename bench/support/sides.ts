/** Sides that are processes. */
import type { NodeConfig } from 'skynet-ts/node'
import type { BenchOptions, Measure } from './bench.ts'
import { Child } from './child.ts'
import type { Side } from './contest.ts'

/** Start a node in a process of its own, with a service that serves. */
export function startNode(
  service: string,
  workers: number,
  options: BenchOptions,
  config: Partial<NodeConfig> = {},
): Promise<Child> {
  const args = [service, JSON.stringify({ thread: workers, ...config })]
  return Child.start('support/node-process.js', args, options)
}

/** Ask the first service of a node. */
export function askService<T>(node: Child, name: string, params: object = {}): Promise<T> {
  return node.request<T>('service', { name, params })
}

export const ourSide = (node: Child, name: string, params: object): Side => ({
  name: 'skynet-ts',
  measure: () => askService<Measure>(node, name, params),
})

export const otherSide = (name: string, child: Child, request: string, params: object): Side => ({
  name,
  measure: () => child.request<Measure>(request, params),
})
