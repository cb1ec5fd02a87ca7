/** Every error a user can meet: code → message. Branch on the code, never on the text. */

const hex = (handle: number): string => `:${(handle >>> 0).toString(16).padStart(8, '0')}`

/** Of a schema of several texts, or of one in binary form. */
const placeOf = ({ text, line }: { text: number; line: number }): string =>
  line === 0 ? 'a bundle' : text > 1 ? `line ${line} of text ${text}` : `line ${line}`

/** May the handler of a call on another node have run? `no` only if it certainly has not. */
type Sent = 'no' | 'maybe'

/** `problem`: what OpenSSL, or Node.js, calls it. */
interface TlsTrouble {
  readonly address: string
  readonly problem: string
  readonly reason: string
}

const MESSAGES = {
  // services and calls
  ERR_CALL_DEAD: (i: { to: string; method: string; sent?: Sent }) =>
    `Cannot call ${i.method} of ${i.to}: no such service, or it ended before it answered`,
  ERR_CALL_TIMEOUT: (i: { to: string; method: string; timeoutMs: number; sent?: Sent }) =>
    `Cannot wait longer for ${i.method} of ${i.to}: no answer within ${i.timeoutMs} ms`,
  ERR_METHOD_UNKNOWN: (i: { service: string; method: string; hint: string; sent?: Sent }) =>
    `Cannot call '${i.method}': service ${i.service} has no such method${i.hint}`,
  ERR_NO_REQUEST: (i: { what: string }) =>
    `Cannot use ${i.what}() here: it belongs into a handler before its first await, once`,
  ERR_RESPONSE_TWICE: (i: { method: string }) => `Cannot respond to ${i.method} twice`,
  ERR_RESPONSE_FORGOTTEN: (i: { service: string; method: string }) =>
    `Maybe forgot response: ${i.service} has dropped the one of ${i.method} unanswered`,
  ERR_PROTOCOL_TAKEN: (i: { name: string; id: number }) =>
    `Cannot register protocol '${i.name}' as type ${i.id}: the name or the type is taken`,
  ERR_PROTOCOL_UNKNOWN: (i: { type: string; sent?: Sent }) =>
    `Unknown protocol: message of type ${i.type}`,
  ERR_WAIT_TIMEOUT: (i: { kind: string; what: string; timeoutMs: number }) =>
    `Cannot wait longer (${i.kind}) for ${i.what}: nothing within ${i.timeoutMs} ms`,
  ERR_TOKEN_TAKEN: (i: { token: string }) =>
    `Cannot wait for ${i.token}: another task waits for that token`,
  ERR_TASK_KILLED: (i: { task: string }) => `Cannot go on: the task was killed (${i.task})`,
  ERR_SERVICE_EXITED: (i: { handle: number }) => `Cannot go on: service ${hex(i.handle)} has ended`,
  ERR_NODE_STOPPED: (i: { to: string; method: string }) =>
    `Cannot call ${i.method} of ${i.to}: the node has stopped`,
  ERR_SERVICE_LAUNCH: (i: { path: string; reason: string }) =>
    `Cannot launch service ${i.path}: ${i.reason}`,
  ERR_LAUNCH_CIRCLE: (i: { path: string; circle: string }) =>
    `Cannot launch service ${i.path}: its setup would wait for itself: ${i.circle}`,
  ERR_SERVICE_LIMIT: (i: { limit: number; sent?: Sent }) =>
    `Cannot launch another service: all ${i.limit} handles of this node are in use`,
  ERR_SERVICE_NEEDED: (i: { name: string; sent?: Sent }) =>
    `Cannot end service '${i.name}': the node needs it`,
  ERR_RESTART_LIMIT: (i: {
    handle: string
    reason: string
    maxRestarts: number
    periodMs: number
  }) =>
    `Cannot launch ${i.handle} again (${i.reason}): ` +
    `there were ${i.maxRestarts} restarts within ${i.periodMs} ms`,
  ERR_MAILBOX_FULL: (i: { service: string; limit: number; sent?: Sent }) =>
    `Cannot call ${i.service}: ${i.limit} messages wait in its mailbox, which is its limit`,
  ERR_WORKER_LIMIT: (i: { path: string; limit: number }) =>
    `Cannot give ${i.path} a worker of its own: all ${i.limit} are in use, or none starts`,
  ERR_NAME_INVALID: (i: { name: string; reason: string }) =>
    `Cannot use '${i.name}' as a service name: ${i.reason}`,
  ERR_NAME_TAKEN: (i: { name: string }) => `Cannot register ${i.name}: the name is taken`,
  ERR_NAME_UNKNOWN: (i: { name: string; sent?: Sent }) =>
    `Cannot find ${i.name}: no service has that name`,
  ERR_NAME_LIMIT: (i: { limit: number }) =>
    `Cannot register another name: all ${i.limit} names of this node are in use`,
  ABORT_ERR: () => 'The operation was aborted',
  // messages
  ERR_MESSAGE_UNSUPPORTED: (i: { path: string; type: string }) =>
    `Cannot send ${i.path}: ${i.type} cannot be part of a message`,
  ERR_MESSAGE_TOO_LARGE: (i: { bytes: number; limit: number }) =>
    `Cannot send a message of ${i.bytes} bytes: the limit is ${i.limit}`,
  ERR_MESSAGE_TOO_DEEP: (i: { path: string; limit: number }) =>
    `Cannot send ${i.path}: nested deeper than ${i.limit} levels`,
  ERR_MESSAGE_MALFORMED: (i: { at: number; reason: string; sent?: Sent }) =>
    `Cannot unpack message at byte ${i.at}: ${i.reason}`,
  ERR_CODEC: (i: { codec: string; at: string; reason: string }) =>
    `Cannot decode ${i.codec} at ${i.at}: ${i.reason}`,
  ERR_MESSAGE_INVALID: (i: { message: string; path: string; issue: string }) =>
    `Cannot take message '${i.message}' for its ${i.path}: ${i.issue}`,
  ERR_SPROTO_SCHEMA: (i: { text: number; line: number; reason: string }) =>
    `Cannot use the schema, ${placeOf(i)}: ${i.reason}`,
  ERR_SPROTO_SESSION: (i: { session: string; reason: string }) =>
    `Cannot use session ${i.session}: ${i.reason}`,
  ERR_PACKAGE_MISSING: (i: { door: string; name: string }) =>
    `Cannot use ${i.door} without the package ${i.name}: npm install ${i.name}`,
  ERR_MESSAGE_LOG: (i: { file: string; reason: string }) =>
    `Cannot log messages to ${i.file}: ${i.reason}`,
  ERR_TEST_UNSETTLED: (i: { what: string; messages: number; services: string }) =>
    `Cannot ${i.what}: after ${i.messages} messages these go on, perhaps without end: ` +
    i.services,
  ERR_TEST_TIMEOUT: (i: { what: string; timeoutMs: number; reason: string }) =>
    `Cannot ${i.what} within ${i.timeoutMs} ms: ${i.reason}`,
  ERR_TEST_CLOCK: (i: { now: number; rounds: number; services: string }) =>
    `Cannot go beyond ${i.now} ms: timers set others for the same moment ${i.rounds} times: ` +
    i.services,
  // sharing
  ERR_CHANNEL_UNKNOWN: (i: { channel: string }) =>
    `Cannot use channel ${i.channel}: no such channel, or it was deleted`,
  ERR_CHANNEL_LIMIT: (i: { limit: number }) =>
    `Cannot make another channel: all ${i.limit} of this node are in use`,
  ERR_SHARE_UNKNOWN: (i: { name: string }) =>
    `Cannot find shared data '${i.name}': there is none of that name, or it was deleted`,
  ERR_SHARE_TAKEN: (i: { name: string }) => `Cannot share '${i.name}': the name is taken`,
  ERR_SHARE_LIMIT: (i: { limit: number }) =>
    `Cannot share under another name: all ${i.limit} of this node are in use`,
  ERR_SHARE_MUTABLE: (i: { path: string; type: string }) =>
    `Cannot share ${i.path}: ${i.type} cannot be made read-only`,
  ERR_DATACENTER_PATH: (i: { path: string; reason: string }) =>
    `Cannot use path '${i.path}' of the datacenter: ${i.reason}`,
  // sockets
  ERR_LISTEN: (i: { address: string; reason: string }) =>
    `Cannot listen on ${i.address}: ${i.reason}`,
  ERR_BIND: (i: { what: string; reason: string }) => `Cannot bind ${i.what}: ${i.reason}`,
  ERR_CONNECT: (i: { address: string; reason: string }) =>
    `Cannot connect to ${i.address}: ${i.reason}`,
  ERR_SOCKET_INVALID: (i: { id: number }) =>
    `Cannot use socket ${i.id}: no such socket, or it was closed`,
  ERR_SOCKET_STATE: (i: { id: number; reason: string }) => `Cannot use socket ${i.id}: ${i.reason}`,
  ERR_SOCKET_CLOSED: ({ id, reason }: { id: number; reason?: string }) =>
    `Cannot go on with socket ${id}: it ` +
    (reason === undefined ? 'is closed' : `has failed: ${reason}`),
  ERR_SOCKET_ENDED: (i: { id: number; wanted: number; received: number }) =>
    `Cannot read ${i.wanted} bytes from socket ${i.id}: the peer ended after ${i.received}`,
  ERR_SOCKET_FAILED: (i: { id: number; reason: string }) => `Socket ${i.id} failed: ${i.reason}`,
  ERR_SOCKET_MOVED: (i: { id: number }) =>
    `Cannot read from socket ${i.id}: another service took it over`,
  ERR_SOCKET_BUSY: (i: { id: number }) =>
    `Cannot read from socket ${i.id}: another read is waiting on it`,
  ERR_SOCKET_FULL: (i: { id: number; queued: number; limit: number }) =>
    `Cannot write to socket ${i.id}: ${i.queued} bytes wait to be sent, the limit is ${i.limit}`,
  ERR_SOCKET_TIMEOUT: (i: { id: number; what: string; timeoutMs: number }) =>
    `Cannot wait longer to ${i.what} socket ${i.id}: nothing within ${i.timeoutMs} ms`,
  ERR_SOCKET_LIMIT: (i: { limit: number }) =>
    `Cannot open another socket: all ${i.limit} slots of this node are in use`,
  ERR_SERVER_RELEASED: (i: { what: string }) => `Cannot ${i.what}: this socket server was released`,
  ERR_LINE_TOO_LONG: (i: { id: number; limit: number }) =>
    `Cannot read a line from socket ${i.id}: no end of line within ${i.limit} bytes`,
  ERR_FRAME_CUT: (i: { received: number }) =>
    `Cannot read a frame: the stream ended after ${i.received} bytes of it`,
  ERR_FRAME_TOO_LARGE: (i: { bytes: number; limit: number }) =>
    `Cannot take a frame of ${i.bytes} bytes: the limit is ${i.limit}`,
  ERR_INFLATE_RATE: (i: { limit: number }) =>
    `Cannot inflate more of this peer: its messages make more than ${i.limit} bytes a second`,
  ERR_FRAME_MALFORMED: (i: { reason: string }) => `Cannot read a frame: ${i.reason}`,
  // transports
  ERR_PROXY_HEADER: (i: { reason: string }) => `Cannot read a PROXY header: ${i.reason}`,
  ERR_TLS_CERTIFICATE: (i: TlsTrouble) =>
    `Cannot trust ${i.address}: its certificate is refused: ${i.reason}`,
  ERR_TLS_EXPIRED: (i: TlsTrouble) =>
    `Cannot trust ${i.address}: its certificate is not valid now: ${i.reason}`,
  ERR_TLS_HANDSHAKE: (i: TlsTrouble) => `Cannot talk over TLS to ${i.address}: ${i.reason}`,
  ERR_TLS_HOST: (i: TlsTrouble) =>
    `Cannot trust ${i.address}: its certificate is of somebody else: ${i.reason}`,
  ERR_TLS_MISMATCH: (i: TlsTrouble) =>
    `Cannot talk over TLS to ${i.address}: both sides have nothing in common: ${i.reason}`,
  ERR_TLS_REFUSED: (i: TlsTrouble) =>
    `Cannot talk over TLS as ${i.address} refuses us: ${i.reason}`,
  ERR_PROXY_UNTRUSTED: (i: { address: string }) =>
    `Cannot let ${i.address} in: it is no proxy that is trusted`,
  // gate
  ERR_LOGIN: (i: { status: number; reason: string }) => `Cannot log in: ${i.status} ${i.reason}`,
  ERR_USER_ONLINE: (i: { username: string }) => `Cannot log in ${i.username}: it is logged in`,
  ERR_SESSION_CONFLICT: (i: { session: number }) =>
    `Cannot answer session ${i.session}: it is asked again and again, and is under way`,
  ERR_CRYPT: (i: { what: string; reason: string }) => `Cannot ${i.what}: ${i.reason}`,
  ERR_GATE_CLOSED: (i: { address: string }) =>
    `Cannot open the gate: it was closed meanwhile (${i.address})`,
  ERR_GATE_OPEN: (i: { address: string }) => `Cannot open the gate: it is open (${i.address})`,
  ERR_SESSION_OVER: (i: { session: string; user: string }) =>
    `Cannot use session ${i.session} of ${i.user}: it has ended, or another agent has it`,
  ERR_CLIENT_UNKNOWN: (i: { fd: number }) => `Cannot find client ${i.fd}: it has left the gate`,
  // WebSocket
  ERR_WEBSOCKET_HANDSHAKE: (i: { url: string; reason: string }) =>
    `Cannot connect a WebSocket to ${i.url}: ${i.reason}`,
  // channels to other servers
  ERR_SOCKETCHANNEL_ANSWER: (i: { address: string; text: string }) =>
    `Cannot get an answer, as ${i.address} says no: ${i.text}`,
  ERR_SOCKETCHANNEL_AUTH: (i: { address: string; reason: string }) =>
    `Cannot use ${i.address} as auth failed: ${i.reason}`,
  ERR_SOCKETCHANNEL_CLOSED: (i: { address: string }) =>
    `Cannot ask ${i.address}: the channel was closed`,
  ERR_SOCKETCHANNEL_FULL: (i: { address: string; what: string; count: number; limit: number }) =>
    `Cannot ask more of ${i.address}: the limit of ${i.what} is ${i.limit}, this makes ${i.count}`,
  ERR_SOCKETCHANNEL_LOST: (i: { address: string; reason: string }) =>
    `Cannot get an answer of ${i.address}: ${i.reason}`,
  ERR_SOCKETCHANNEL_PROTOCOL: (i: { address: string; reason: string }) =>
    `Cannot read what ${i.address} has sent: ${i.reason}`,
  ERR_SOCKETCHANNEL_SESSION: (i: { address: string; session: string }) =>
    `Cannot ask ${i.address} under session ${i.session}: a request with it is under way`,
  ERR_SOCKETCHANNEL_TIMEOUT: (i: { address: string; timeoutMs: number }) =>
    `Cannot wait longer for ${i.address}: nothing within ${i.timeoutMs} ms`,
  // cluster
  ERR_CLUSTER_AUTH: (i: { address: string; reason: string }) =>
    `Cannot join nodes by way of ${i.address}: ${i.reason}`,
  ERR_NODE_NAME_TAKEN: (i: { node: string; address: string }) =>
    `Cannot join the cluster as '${i.node}': a node of that name lives${
      i.address === '' ? '' : ` at ${i.address}`
    }`,
  ERR_CLUSTER_VERSION: (i: { node: string; ours: string; theirs: string }) =>
    `Cannot understand node ${i.node}: it speaks versions ${i.theirs}, and we ${i.ours}`,
  ERR_NATS_SERVER: (i: { server: string; reason: string }) =>
    `Cannot use NATS server ${i.server}: ${i.reason}`,
  ERR_STORE_CONFLICT: (i: { key: string }) =>
    `Cannot write ${i.key}: somebody else has written it meanwhile`,
  ERR_STORE_FULL: (i: { key: string; what: string }) =>
    `Cannot write ${i.key}: the store of the cluster takes no ${i.what}`,
  ERR_STORE_LOST: (i: { reason: string }) => `Cannot reach the store of the cluster: ${i.reason}`,
  ERR_CLUSTER_OFF: (i: { what: string }) =>
    `Cannot ${i.what}: this node is in no cluster, its config has no 'cluster'`,
  ERR_NODE_UNKNOWN: (i: { node: string }) =>
    `Cannot find node '${i.node}': the cluster has none of that name now`,
  ERR_NODE_LOST: (i: { node: string; epoch: number; sent: Sent }) =>
    `Cannot get an answer of node ${i.node} (epoch ${i.epoch}): it is out of reach, ` +
    `the request ${i.sent === 'no' ? 'was not sent' : 'may have run'}`,
  ERR_LINK_FULL: (i: { node: string; to?: string; limit: number; unit?: string; sent: Sent }) =>
    `Cannot send more to ${i.to ?? `node ${i.node}`}: what waits for ` +
    `${i.to === undefined ? 'it' : 'its worker'} has reached its limit, ` +
    `${i.limit} ${i.unit ?? 'bytes'}`,
  ERR_FENCED: (i: {
    name: string
    token: readonly [number, number]
    current: readonly [number, number] | undefined
    sent?: Sent
  }) =>
    `Cannot go on as '${i.name}' of the cluster, with token ${i.token}: ` +
    `another one has it, with ${i.current ?? 'a later one'}`,
  ERR_PROXY_LIMIT: (i: { node: string; limit: number; sent?: Sent }) =>
    `Cannot know another service of node ${i.node}: ` +
    `all handles for services of other nodes are in use, ${i.limit}`,
  // clusters of Skynet
  ERR_SKYNETCLUSTER_ANSWER: (i: { node: string; to: string; reason: string; sent: 'maybe' }) =>
    `Cannot read the answer of ${i.to} on ${i.node}: ${i.reason}`,
  ERR_SKYNETCLUSTER_DOWN: (i: { node: string; reason: string; sent: Sent }) =>
    `Cannot reach node ${i.node}: ${i.reason}`,
  ERR_SKYNETCLUSTER_FULL: (i: { node: string; what: string; limit: number; sent: 'no' }) =>
    `Cannot ask more of node ${i.node}: the limit of ${i.what} is ${i.limit}`,
  ERR_SKYNETCLUSTER_LOST: (i: { node: string; to: string; reason: string; sent: Sent }) =>
    `Cannot get an answer of ${i.to} on ${i.node}, sent: ${i.sent}: ${i.reason}`,
  ERR_SKYNETCLUSTER_NAME: (i: { name: string; reason: string }) =>
    `Cannot register '${i.name}' for other nodes: ${i.reason}`,
  ERR_SKYNETCLUSTER_REMOTE: (i: { node: string; to: string; text: string; sent: Sent }) =>
    `Cannot get an answer of ${i.to}, as node ${i.node} says no: ${i.text}`,
  ERR_SKYNETCLUSTER_TIMEOUT: (i: { node: string; to: string; timeoutMs: number; sent: Sent }) =>
    `Cannot wait longer for ${i.to} on ${i.node}: no answer within ${i.timeoutMs} ms`,
  // harbors
  ERR_HARBOR_FAILED: (i: { to: string; method: string }) =>
    `Cannot get an answer to ${i.method} of ${i.to}: it has failed, or there is none in its harbor`,
  ERR_HARBOR_FULL: (i: { harbor: number; bytes: number; limit: number; sent: Sent }) =>
    `Cannot send more to harbor ${i.harbor}: the limit is ${i.limit}, ${i.bytes} wait`,
  ERR_HARBOR_JOIN: (i: { master: string; reason: string }) =>
    `Cannot join the harbors of master ${i.master}: ${i.reason}`,
  ERR_HARBOR_LOST: (i: { harbor: number; reason: string; sent: Sent }) =>
    `Cannot reach harbor ${i.harbor}: ${i.reason}`,
  ERR_HARBOR_MASTER: (i: { what: string; master: string }) =>
    `Cannot ${i.what}: the connection to master ${i.master} has ended`,
  ERR_HARBOR_OFF: (i: { what: string }) =>
    `Cannot ${i.what}: this node is in no harbor cluster; see startHarbor`,
  ERR_HARBOR_ORDER: (i: { order: string; to: string }) =>
    `Cannot order '${i.order}' of ${i.to}: it is a service of another harbor`,
  ERR_HARBOR_PROTOCOL: (i: { reason: string }) =>
    `Cannot go on with this peer of a harbor: ${i.reason}`,
  // node and platform
  ERR_CONFIG_FILE: (i: { file: string; reason: string }) =>
    `Cannot read config ${i.file}: ${i.reason}`,
  ERR_CONFIG_KEY: (i: { key: string; known: string }) =>
    `Cannot use config key '${i.key}': unknown; known keys are ${i.known}`,
  ERR_CONFIG_VALUE: (i: { key: string; expected: string; value: string }) =>
    `Cannot use config '${i.key}' as it must be ${i.expected}: current value is ${i.value}`,
  ERR_ENV_TAKEN: (i: { key: string }) => `Cannot set '${i.key}': it is set already`,
  ERR_ENV_LIMIT: (i: { key: string; limit: number }) =>
    `Cannot set '${i.key}': all that is set takes more than ${i.limit} bytes`,
  ERR_NODE_RUNNING: (i: { pid: number; file: string }) =>
    `Cannot start: the node of ${i.file} is running already, pid = ${i.pid || 'unknown'}`,
  ERR_SYSCALL: (i: { call: string; reason: string }) => `Cannot ${i.call}: ${i.reason}`,
  ERR_PLATFORM: (i: { reason: string }) => `Cannot use this platform: ${i.reason}`,
  ERR_THREAD_DIED: (i: { thread: string; reason: string }) =>
    `Cannot go on without ${i.thread}: ${i.reason}`,
} as const

export type ErrorCode = keyof typeof MESSAGES
export type ErrorInfo<C extends ErrorCode> =
  Parameters<(typeof MESSAGES)[C]> extends [infer I] ? I : Record<never, never>

/** Every code, for the docs check and for readers of errors from other threads. */
export const ERROR_CODES = Object.keys(MESSAGES) as readonly ErrorCode[]

/**
 * An error of the world (a peer, the system, a dead service), with a `code` that never changes.
 * Wrong arguments at a door throw `TypeError` or `RangeError` instead.
 */
export class SkynetError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  /** The facts in the message, by name. Its shape follows from `code`. */
  readonly info: ErrorInfo<C>

  constructor(code: C, info: ErrorInfo<C>, options?: { cause?: unknown }) {
    super((MESSAGES[code] as (info: unknown) => string)(info), options)
    this.name = code === 'ABORT_ERR' ? 'AbortError' : 'SkynetError'
    this.code = code
    this.info = info
  }
}

/** True when `error` is one of ours, and has that code when one is given. */
export function isSkynetError<C extends ErrorCode>(
  error: unknown,
  code?: C,
): error is SkynetError<C> {
  try {
    return error instanceof SkynetError && (code === undefined || error.code === code)
  } catch {
    // A revoked proxy throws when it is looked at.
    return false
  }
}

/** What `AbortSignal` users expect: name `AbortError`, code `ABORT_ERR`, the reason as cause. */
export function abortError(signal: AbortSignal): SkynetError<'ABORT_ERR'> {
  return new SkynetError('ABORT_ERR', {}, { cause: signal.reason })
}

/** Skynet's way to print a handle: `:0000000a`. */
export const formatHandle = hex
