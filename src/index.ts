/// <reference types="node" preserve="true" />
/** The door for service authors. */

export type { ErrorCode, ErrorInfo } from './base/errors.ts'
export { isSkynetError, SkynetError } from './base/errors.ts'
export type { NodeConfig } from './cli/config.ts'
export { defineConfig } from './cli/config.ts'
export type { DebugApi } from './debug/debug-api.ts'
export type { StatName } from './debug/stat.ts'
export type { ServiceStats, WorkerStats } from './debug/stats.ts'
export type { EncoderOptions } from './frames/frame-encoder.ts'
export { frameEncoder } from './frames/frame-encoder.ts'
export type { FrameOptions } from './frames/frame-format.ts'
export { FrameParser } from './frames/frame-parser.ts'
export type { FixedHeader, FrameHeader, Framing } from './frames/framing.ts'
export { fixedHeader } from './frames/framing.ts'
export type { EnvValue } from './kernel/env.ts'
export type { Timer } from './kernel/timer.ts'
export type { LaunchOptions } from './launch/options.ts'
export type { NodePlacement, Placement } from './launch/placement.ts'
export type { AnyService, ArgsOf, MethodsOf, ServiceDefinition } from './modules/definition.ts'
export type { ServiceModule, ServicePath } from './modules/service-module.ts'
export type { WriteOptions } from './net/client/writer.ts'
export type { NetstatInfo } from './net/netstat.ts'
export type { SendPolicy, SocketSettings } from './net/settings.ts'
export type { SocketInfo } from './net/slots.ts'
export type { SocketTotals } from './net/totals.ts'
export { UdpAddress } from './net/udp-address.ts'
export type { SocketOption } from './os/os.ts'
export type { Address } from './service/addresses.ts'
export type { MailboxState } from './service/inbox.ts'
export type { Ending, EndReason, ExitHook, ExitReason } from './service/life.ts'
export type { LogFormat, LogLevel, LogLine } from './service/log.ts'
export { formatJson, formatLine } from './service/log.ts'
export type { Sendable } from './service/message-value.ts'
export type { Protocol, ProtocolDefinition, RequestContext } from './service/protocols.ts'
export type { BoundRef, CallOf, SendOf, ServiceRef } from './service/ref.ts'
export type { Response } from './service/response.ts'
export type {
  TaskInfo,
  TaskKind,
  /** @deprecated It is `TaskOrigin`: services have an origin too. */
  TaskOrigin as Origin,
  TaskOrigin,
} from './service/tasks.ts'
export type { CallEvent } from './service/trace.ts'
export type { WaitOptions } from './service/wait-options.ts'
export type { Datacenter, DataKey, DataPath } from './sharing/datacenter.ts'
export type { Frozen } from './sharing/freeze.ts'
export type { Channel, MulticastApi } from './sharing/multicast.ts'
export type { ShareDataApi, SharedView } from './sharing/share-data.ts'
export type { Subscriber, Subscription, SubscriptionEnd } from './sharing/subscription.ts'
export type {
  ClusterApi,
  ClusterMember,
  ClusterNodeEvent,
  ClusterNodeState,
} from './skynet/cluster-api.ts'
export type { ChannelAddress } from './skynet/cluster-channels.ts'
export { defineService } from './skynet/define-service.ts'
export type { Skynet } from './skynet/skynet.ts'
export type { ChildSpec, RestartStrategy, SuperviseOptions } from './skynet/supervise.ts'
export { Supervisor, supervise } from './skynet/supervise.ts'
export type { ByteStream, StreamListener } from './sockets/byte-stream.ts'
export type { Connection } from './sockets/connection.ts'
export type {
  BytesOptions,
  CodecOptions,
  FramedStream,
  MessageCodec,
} from './sockets/framed-stream.ts'
export { framed } from './sockets/framed-stream.ts'
export type { Listener } from './sockets/listener.ts'
export type { MessageStream } from './sockets/message-stream.ts'
export type { ConnectOptions } from './sockets/open-connection.ts'
export type { ListenOptions } from './sockets/open-listener.ts'
export type { UdpOptions } from './sockets/open-udp.ts'
export type { StreamOptions } from './sockets/opening.ts'
export type { LineOptions } from './sockets/read-options.ts'
export type { SocketApi } from './sockets/socket-api.ts'
export type { Datagram, UdpSocket } from './sockets/udp-socket.ts'
export type { StopHook } from './supervision/stop-hooks.ts'
export type { CriticalSection } from './timing/critical-section.ts'
export type { Selection, SelectRequest, SelectResult } from './timing/select.ts'
export type { SleepOptions } from './timing/sleeps.ts'
