/// <reference types="node" preserve="true" />
/** The door of channels: clients of other servers. See docs/channel.md. */

export type {
  Answer,
  AnswerPart,
  AnswerReader,
  AnswerSink,
  ChunkParser,
  DataOf,
  FailedAnswer,
  SessionAnswer,
  SessionReader,
  SessionSink,
  WholeAnswer,
} from './channel/answers.ts'
export type { OrderChannel, ParsedChannel, SessionChannel } from './channel/channels.ts'
export type { Backup } from './channel/hosts.ts'
export type { ChannelInput, InputLineOptions } from './channel/input.ts'
export type {
  ChannelAsker,
  OrderOptions,
  ParserOptions,
  SessionOptions,
  SessionParserOptions,
} from './channel/make.ts'
export { socketChannel } from './channel/make.ts'
export type { ChannelOptions } from './channel/options.ts'
export type { Data } from './channel/request.ts'
export type { ConnectChannelOptions, SocketChannel } from './channel/socket-channel.ts'
