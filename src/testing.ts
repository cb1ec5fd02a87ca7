/// <reference types="node" preserve="true" />
/** The door for tests of services: see docs/testing.md. */

export type { ListenerInfo } from './net/netstat.ts'
export type { ServiceRef } from './service/ref.ts'
export { FakeClock } from './testing/fake-clock.ts'
export type { LoadFaults } from './testing/load/faulty-links.ts'
export type { LoadBot, LoadOptions, LoadRound } from './testing/load/load-driver.ts'
export { loadDriver } from './testing/load/load-driver.ts'
export type { CallLoad, LoadError, LoadResult } from './testing/load/load-report.ts'
export { streamTransport } from './testing/load/stream-transport.ts'
export type { FindOptions, Probe } from './testing/probe.ts'
export type { SentMessage } from './testing/recording-router.ts'
export type { Peer } from './testing/stand-ins.ts'
export type { TestClient } from './testing/test-client.ts'
export type { SettleOptions, TestNode, TestNodeOptions } from './testing/test-node.ts'
export { testNode } from './testing/test-node.ts'
export type { TestService, TestServiceOptions } from './testing/test-service.ts'
export { testService } from './testing/test-service.ts'
