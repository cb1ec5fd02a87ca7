/// <reference types="node" preserve="true" />
/** The door for programs that start a node themselves. */

export type { NodeConfig } from './cli/config.ts'
export { defineConfig, loadConfig, resolveConfig } from './cli/config.ts'
export type { ServiceStats, WorkerStats } from './debug/stats.ts'
export type { ListenerInfo } from './net/netstat.ts'
export type { ServiceRef } from './service/ref.ts'
export { startNode } from './threads/main/node.ts'
export type { Node, StopOptions } from './threads/main/running-node.ts'
export type { NodeStats } from './threads/main/stats.ts'
export type { ResolvedConfig } from './threads/options.ts'
