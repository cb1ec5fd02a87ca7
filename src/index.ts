/// <reference types="node" preserve="true" />
/** The door for service authors. */

export type { ErrorCode, ErrorInfo } from './base/errors.ts'
export { isSkynetError, SkynetError } from './base/errors.ts'
export type { NodeConfig } from './cli/config.ts'
export { defineConfig } from './cli/config.ts'
export type { EnvValue } from './kernel/env.ts'
export type { Timer } from './kernel/timer.ts'
export type { SendPolicy, SocketSettings } from './net/settings.ts'
export type { NetstatInfo, SocketInfo } from './net/slots.ts'
export type { SocketTotals } from './net/totals.ts'
export { UdpAddress } from './net/udp-address.ts'
export type { WriteOptions } from './net/writer.ts'
export type { SocketOption } from './os/os.ts'
export type { StatName } from './service/commands.ts'
export type { Connection, LineOptions } from './service/connection.ts'
export type { CriticalSection } from './service/critical-section.ts'
export type { Datacenter, DataKey, DataPath } from './service/datacenter.ts'
export type { AnyService, ArgsOf, MethodsOf, ServiceDefinition } from './service/definition.ts'
export { defineService } from './service/definition.ts'
export type { Frozen } from './service/freeze.ts'
export type { LaunchOptions, Placement } from './service/launch.ts'
export type { Listener } from './service/listener.ts'
export type { Channel, MulticastApi } from './service/multicast.ts'
export type { UdpOptions } from './service/open-udp.ts'
export type { Protocol, ProtocolDefinition, RequestContext } from './service/protocols.ts'
export type { BoundRef, CallOf, SendOf, ServiceRef } from './service/ref.ts'
export type { Response } from './service/response.ts'
export type { Selection, SelectRequest, SelectResult } from './service/select.ts'
export type { ExitHook, ExitReason } from './service/service.ts'
export type { ShareDataApi, SharedView } from './service/share-data.ts'
export type { Skynet } from './service/skynet.ts'
export type { SleepOptions } from './service/sleeps.ts'
export type {
  ConnectOptions,
  ListenOptions,
  SocketApi,
  StreamOptions,
} from './service/socket-api.ts'
export type { Subscriber, Subscription, SubscriptionEnd } from './service/subscription.ts'
export type { Origin, TaskInfo, TaskKind } from './service/tasks.ts'
export type { Datagram, UdpSocket } from './service/udp-socket.ts'
export type { WaitOptions } from './service/wait.ts'
