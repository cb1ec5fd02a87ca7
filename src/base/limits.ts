/**
 * Every limit of a node. The unit is in the name; relations are asserted below. Pages that speak
 * sproto load this file too: nothing of Node.js.
 */

// services
export const WORKERS_MAX = 1024
/**
 * Memory maps that a worker takes: V8 needs 58 of them for one that does nothing. Linux has a limit
 * of them for a process; beyond it V8 gets no memory, and ends the process.
 */
export const MAPS_PER_WORKER = 80
export const HARBOR_MAX = 255
/** A handle is harbor (8 bits) and a 24-bit id; id 0 is nobody. */
export const HANDLE_ID_MAX = 0xffffff
/** Of one setup: they take half of the stack of a thread. */
export const LAUNCH_ARGS_MAX = 32_768
export const NAMES_MAX = 4096
export const NAME_BYTES_MAX = 52
/** All that services set with `setenv`, as JSON. */
export const ENV_BYTES_MAX = 64 * 1024
/** Names of methods that one table of a reference, `ref.call` say, has ready. */
export const METHODS_KEPT_MAX = 256
/** Paths of modules that a thread remembers. */
export const MODULE_PATHS_MAX = 10_000
/** The least and the most that `memoryLimitMb` may be. A worker alone has 8 MiB in use. */
export const MEMORY_LIMIT_MB_MIN = 16
export const MEMORY_LIMIT_MB_MAX = 1024 * 1024
/** Of a text longer than this that goes into an error or a log, only the length is told. */
export const TEXT_CHARS_MAX = 16 * 1024 * 1024
/** Kinds of faults of a service that are told apart at a time. */
export const FAULT_KINDS_MAX = 16
/** Places for services with a worker of their own: each has rings, 8 MiB of address space. */
export const DEDICATED_MAX = 64
/** Of one node: a worker that dies again and again must not fill the disk. */
export const CRASH_REPORTS_MAX = 100
/** Characters that wait for a slow disk, pipe or terminal; those beyond are counted. */
export const OUTPUT_CHARS_MAX = 4 * 1024 * 1024
/** Characters of lines that a worker keeps until the logger has written them. */
export const LOG_KEPT_CHARS_MAX = 4 * 1024 * 1024
/** Messages a mailbox holds before the first "may overload" warning; doubles each time. */
export const MAILBOX_WARNING = 1024

// messages
export const MESSAGE_BYTES_MAX = 256 * 1024 * 1024
export const MESSAGE_DEPTH_MAX = 32
/** Arrays, tables and objects inside each other, in the bytes that a codec decodes. */
export const CODEC_DEPTH_MAX = 64
/** Numbers as keys of one map that are in one place of it, but for its first 64 keys. */
export const CODEC_CROWD_MAX = 32
/** Of one object in sproto, packed or not: it must be smaller than 16 MiB, as in Skynet. */
export const SPROTO_BYTES_MAX = 0xffffff
/** Of fields and protocols: what a word of 16 bits can skip. */
export const SPROTO_TAG_MAX = 32_766
/** Behind the point of an `integer(n)`: more is beyond 32 bits. */
export const SPROTO_DECIMALS_MAX = 9
/** Requests of one connection that wait for their answers, unless the program says otherwise. */
export const SPROTO_SESSIONS_MAX = 65_536
/** One inbound ring per worker. */
export const RING_BYTES = 4 * 1024 * 1024
/** Payloads above this travel beside the ring, in a block of their own. */
export const RING_PAYLOAD_BYTES_MAX = 64 * 1024

// sharing
/** Multicast channels of a node. */
export const CHANNELS_MAX = 65_536
/** Names of shared data of a node, and how long one may be (UTF-8). */
export const SHARED_DATA_MAX = 4096
export const SHARED_NAME_BYTES_MAX = 80

// sockets
export const SOCKETS_MAX = 65_536
/** Ids go up to here, and begin again at 1. */
export const SOCKET_ID_MAX = 0x7fffffff
export const POLL_EVENTS_MAX = 64
export const ACCEPTS_PER_EVENT_MAX = 64
export const READ_BYTES_MIN = 64
export const READ_BYTES_MAX = 64 * 1024
/** The ring into which the socket thread reads for one worker. */
export const SOCKET_RING_BYTES = 4 * 1024 * 1024
export const COMMAND_RING_BYTES = 4 * 1024 * 1024
export const SEND_WARNING_BYTES = 1024 * 1024
/** Unsent bytes of one socket beyond which it is closed with an error. */
export const SEND_QUEUE_BYTES_MAX = 16 * 1024 * 1024
/** What an option may make of that. */
export const SEND_LIMIT_BYTES_MAX = 1024 * 1024 * 1024
/** Bytes received and not read by the service beyond which reading pauses. */
export const RECEIVE_BUFFER_BYTES_MAX = 128 * 1024
/** Messages that wait for a service beyond which a socket that brings much pauses. */
export const RECEIVE_MAIL_MAX = 32
/** How long a closed socket may take to flush what was written before it is cut. */
export const LINGER_MS_MAX = 10_000
/** How long accepting, or a write, pauses when the kernel has no descriptor or memory for it. */
export const SHORTAGE_PAUSE_MS = 100
/** How long a flushed socket waits for the peer's FIN: closing earlier could cut what it reads. */
export const FIN_WAIT_MS = 2000
/**
 * The socket thread was stopped, with its process, when it comes so much later than it meant to:
 * a turn works for some 10 ms. It sleeps no longer than that while there is a deadline, so that no
 * longer stop can hide in a sleep.
 */
export const STOP_MS_MIN = 250
export const BACKLOG_DEFAULT = 511
/** Connections accepted and not taken, beyond which accepting pauses; it goes on at half. */
export const ACCEPTED_MAX = 1024
/** What IPv4 lets a datagram carry: 65,535 less the headers. */
export const DATAGRAM_BYTES_MAX = 65_507
export const LINE_BYTES_MAX = 1024 * 1024
/** One message in a frame, unless told otherwise. */
export const FRAME_BYTES_MAX = 1024 * 1024
/** What stands in front of a message, when a user has made it. */
export const FRAME_HEADER_BYTES_MAX = 64
/** What WebSocket has room for. */
export const CLOSE_REASON_BYTES_MAX = 123

// transports (src/transport)
/** Ranges of proxies that are trusted. */
export const TRUSTED_MAX = 1024
/** Of the PROXY protocol, all of it: what fits into the first packet of any way. */
export const PROXY_HEADER_BYTES_MAX = 536
/** How long it may take to come, unless told otherwise; how many are awaited at a time. */
export const PROXY_HEADER_MS = 5000
export const PROXY_HEADERS_MAX = 1024
/** How long a handshake of TLS may take, unless told otherwise; how many of a listener at once. */
export const TLS_HANDSHAKE_MS = 10_000
export const TLS_HANDSHAKES_MAX = 1024
/** What is encrypted in one go. */
export const TLS_PIECE_BYTES = 256 * 1024
/** Records of one peer, a second, that carry nothing: TLS needs a few in hours. */
export const TLS_EMPTY_RECORDS_MAX = 100
/** Streams of a worker that OpenSSL encrypts without Node.js between: the others have that. */
export const NATIVE_OBJECTS_MAX = 65_536

// WebSocket (src/transport/websocket)
/** Shorter messages are not compressed: it would take longer than to send them. */
export const WEBSOCKET_DEFLATE_BYTES = 1024
/** Pongs that have not left: of the pings beyond, the last one is answered, once they have. */
export const WEBSOCKET_PONG_BYTES_MAX = 16 * 1024
/** Pings of ours that no pong has answered. */
export const WEBSOCKET_PINGS_MAX = 64
/** Inflated of messages on one thread before others have a turn; each counts 4 KiB besides. */
export const WEBSOCKET_INFLATE_TURN_BYTES = 1024 * 1024
/** Inflated of the messages of one WebSocket, unless told otherwise; a message more at once. */
export const WEBSOCKET_INFLATE_BYTES_PER_SECOND = 64 * 1024 * 1024
/** The head of a server's answer to our handshake. */
export const WEBSOCKET_HEAD_BYTES_MAX = 16 * 1024
/** How long a handshake of ours may take, connecting included, unless told otherwise. */
export const WEBSOCKET_HANDSHAKE_MS = 10_000

// gate
/** Logins under way of one login server, unless it says otherwise. */
export const LOGINS_MAX = 4096
/** A line of a login, its end not counted. */
export const LOGIN_LINE_BYTES_MAX = 8192
/** How long a login may take, unless the login server says otherwise. */
export const LOGIN_MS = 10_000
/** How long a connection of a message server may take to say whose it is, unless told otherwise. */
export const MSG_HANDSHAKE_MS = 10_000
/** The body of a request: its answer, five bytes longer, has to fit into a frame of Skynet's. */
export const MSG_BODY_BYTES_MAX = 65_530
/** Sessions of requests go up to here. */
export const MSG_SESSION_MAX = 0xffffffff
/** Requests of a user under way, unless the message server says otherwise; the most it may say. */
export const MSG_PENDING = 1024
export const MSG_PENDING_MAX = 65_536
/** Connections of a user: one more closes the oldest. */
export const MSG_CONNECTIONS_MAX = 16
/** Answers that are kept for a user at least, unless told otherwise; the most that may be said. */
export const MSG_EXPIRED_NUMBER = 128
export const MSG_EXPIRED_NUMBER_MAX = 65_536
/** Bytes of the answers that are kept for a user, unless the message server says otherwise. */
export const MSG_ANSWERS_BYTES = 1024 * 1024
/** Clients that a gate lets in, unless told otherwise: as many as Skynet's. */
export const GATE_CLIENTS_DEFAULT = 1024
/** How long a client that has ended may be written to, unless it is closed before. */
export const GATE_ENDED_MS = 10_000
/** Of one gate: more that have ended close the oldest. */
export const GATE_ENDED_MAX = 1024
/** Of one gate: refused clients that may see an end instead of a reset, at a time. */
export const REFUSED_MAX = 64
/** What one client has under way to its agent, once or twice: messages, and their bytes. */
export const PACE_MESSAGES = 64
export const PACE_BYTES = 128 * 1024
/** Handlers of an agent that are not done, for each of its clients: beyond that they wait. */
export const PACE_UNFINISHED_MAX = 256
/** How long they wait until that is said. */
export const PACE_NOTICE_MS = 5000
/** Between two looks at an agent that has more: at first, doubling, and at most. */
export const PACE_PAUSE_MS = 5
export const PACE_PAUSE_MS_MAX = 80

// KCP (src/transport/kcp)
/** A packet, whole, unless told otherwise: what every network carries in one piece; the least. */
export const KCP_MTU_BYTES = 1200
export const KCP_MTU_BYTES_MIN = 576
export const KCP_MTU_BYTES_MAX = 1472
/** What is longer is none of KCP: its bytes are kept as long as one segment of it is. */
export const KCP_PACKET_BYTES_MAX = 2048
/** Segments under way, and segments that wait for who receives, unless told otherwise; the most. */
export const KCP_WINDOW = 128
export const KCP_WINDOW_MAX = 1024
/** A message that comes, unless told otherwise. */
export const KCP_MESSAGE_BYTES = 64 * 1024
/** Segments of one message. */
export const KCP_FRAGMENTS_MAX = 127
/** Acknowledgements that wait to be sent, for each segment of the window. */
export const KCP_ACKS_PER_SEGMENT = 2
/** Conversations of one port, unless told otherwise. */
export const KCP_CONNECTIONS = 10_000
/** Of one port: those that are not confirmed yet. */
export const KCP_GREETINGS_MAX = 1024
/** How long a conversation may take to be confirmed, and to connect, unless told otherwise. */
export const KCP_HANDSHAKE_MS = 5000
export const KCP_CONNECT_MS = 10_000
/** How long a proof of an address is good, and how long a secret makes them. */
export const KCP_COOKIE_MS = 10_000
export const KCP_SECRET_MS = 60_000
/** Greetings that were answered with a conversation within the life of a cookie. */
export const KCP_OPENS_MAX = 65_536
/** Between two greetings: at first, doubling, and at most; how often a cookie is shown. */
export const KCP_GREET_MS = 250
export const KCP_GREET_MS_MAX = 1000
export const KCP_OPENS_PER_COOKIE = 8
/** Between two words of which none was answered: to confirm, to close; how often to close. */
export const KCP_CONFIRM_MS = 250
export const KCP_CLOSES = 8
/** How long a conversation that the peer has closed answers; how many of a port do. */
export const KCP_CLOSED_MS = 3000
export const KCP_CLOSED_MAX = 4096
/** Between two questions for the proof of another address. */
export const KCP_PROVE_MS = 100
/** A thread that comes so late was held: that time is no silence of peers. */
export const KCP_HELD_MS = 1000
/** Quiet for so long, a conversation gives back the memory that nothing is in. */
export const KCP_QUIET_MS = 1000
/** Nothing was sent for so long: a client pings; nothing came for so long: it has failed. */
export const KCP_KEEP_ALIVE_MS = 15_000
export const KCP_KEEP_ALIVE_MS_MIN = 1000
export const KCP_IDLE_MS = 60_000
// sessions of clients (src/session): what an option says otherwise is named `…_DEFAULT`
/** Longest message: what two bytes of length can tell. */
export const SESSION_MESSAGE_BYTES_DEFAULT = 65_535
export const SESSIONS_DEFAULT = 10_000
/** How long a session without a connection waits for its client. */
export const SESSION_KEEP_MS_DEFAULT = 60_000
export const SESSION_LOGIN_MS_DEFAULT = 5000
export const SESSION_HEARTBEAT_MS_DEFAULT = 15_000
/** Heartbeats of which nothing is heard, until the connection is given up. */
export const SESSION_MISSED_DEFAULT = 2
export const SESSION_MESSAGES_PER_SECOND_DEFAULT = 100
/** Requests of a session that are not answered, or whose answer is not acknowledged. */
export const SESSION_WINDOW_DEFAULT = 64
/** Bytes of the answers that a session keeps for its client. */
export const SESSION_ANSWER_BYTES_DEFAULT = 256 * 1024
/** Pushes that a session keeps for its client, and their bytes. */
export const SESSION_PUSHES_DEFAULT = 1000
export const SESSION_PUSH_BYTES_DEFAULT = 1024 * 1024
/** Bytes that wait to be sent to one client. */
export const SESSION_SEND_BYTES_DEFAULT = 1024 * 1024
/** While so many have not left, answers and pushes wait where newer ones can replace them. */
export const SESSION_SEND_MARK_BYTES = 64 * 1024
/** Connections of a gate that have no session, those at their handshake included. */
export const SESSION_VISITORS_MAX = 1024
/** Of one address: three others may be full, and there is room for everybody else. */
export const SESSION_STRANGERS_DEFAULT = 256
/** Of a session: bytes of requests that are not answered, names and bodies; more is not read. */
export const SESSION_REQUEST_BYTES_MAX = 128 * 1024
/** Addresses of clients that a gate remembers; the one that is quiet for longest is forgotten. */
export const SESSION_ADDRESSES_MAX = 65_536

// channels to other servers (src/channel)
/** Requests of one channel that are under way, unless it is made with another limit. */
export const SOCKETCHANNEL_REQUESTS_MAX = 65_536
/** Parts that one answer may come in. */
export const SOCKETCHANNEL_PARTS_MAX = 65_536
/** Answers that nobody has asked for, beyond which nothing more is read. */
export const SOCKETCHANNEL_UNASKED_MAX = 1024
/** How long one address may take to connect and to let in, unless said otherwise. */
export const SOCKETCHANNEL_CONNECT_MS = 10_000
/** Between two tries to connect: so long, twice as long … up to the most. */
export const SOCKETCHANNEL_RETRY_MS = 1000
export const SOCKETCHANNEL_RETRY_MS_MAX = 10_000

// cluster (src/cluster/core)
/** A frame between two nodes: longer messages go in chunks. */
export const LINK_FRAME_BYTES_MAX = 32 * 1024
/** Under way to a peer, and not consumed by it. */
export const LINK_WINDOW_BYTES_MAX = 256 * 1024
/** So much of it may be chunks: the rest is for short messages beside a long one. */
export const LINK_CHUNKS_BYTES_MAX = 128 * 1024
/** Messages of a link that have not left: those that fit into a frame. */
export const LINK_QUEUE_BYTES_MAX = 8 * 1024 * 1024
/** And longer ones, unless there is just one. */
export const LINK_LONG_BYTES_MAX = 64 * 1024 * 1024
/** An error that answers a request, and is taken when nothing else is. */
export const LINK_ERROR_BYTES_MAX = 1024
/** What services of one worker have sent to other nodes, and that of the cluster has not taken. */
export const CLUSTER_BURST_BYTES_MAX = 64 * 1024 * 1024
/** What a link that is full takes all the same: short errors, and what was said before. */
export const LINK_OVER_BYTES_MAX = 128 * 1024 * 1024
/** Longer messages that come at a time over one link, and their bytes together. */
export const LINK_LANES_MAX = 16
export const LINK_ASSEMBLY_BYTES_MAX = MESSAGE_BYTES_MAX
/** Memory of long messages that a thread is done with, and keeps for the next ones: of one, all. */
export const SPARE_BYTES_MIN = 256 * 1024
export const SPARE_BYTES_MAX = 32 * 1024 * 1024
/** Between two greetings of a peer that does not answer: at first, doubling, and at most. */
export const LINK_GREET_MS = 250
export const LINK_GREET_MS_MAX = 2000
/** What is under way for so long without a word is asked for. */
export const LINK_PROBE_MS = 1000
/** What has come from other nodes and waits for one worker: beyond it nothing more is taken. */
export const CLUSTER_BACKLOG_BYTES_MAX = 64 * 1024 * 1024
/** From here on its senders are told to say no more; what they had said before comes. */
export const CLUSTER_HOLD_BYTES = 32 * 1024 * 1024
/** What is sent all the same is dropped beyond that. */
export const CLUSTER_SENDS_BYTES_MAX = 128 * 1024 * 1024
/** A node that comes so late to look at the time was stopped. */
export const LINK_STOP_MS = 1000
// cluster: the border
/** Services of other nodes that have handles here. */
export const PROXIES_MAX = 262_144
/** Of these by a local name there: they are kept until their node is down. */
export const PROXIES_NAMED_MAX = 16_384
/** Requests of one other node that services here have not answered. */
export const PEER_ASKED_MAX = 262_144
/** Nodes that others have named and nobody here knows, and how long they may be so. */
export const PEERS_UNKNOWN_MAX = 64
export const PEER_UNKNOWN_MS = 10_000
/** Requests of other nodes that were passed on to others still, and are under way. */
export const RELAYS_MAX = 65_536
/** How long a node that starts waits to be a member, and goes on without being one. */
export const CLUSTER_JOIN_MS = 5000
/** Between two looks for the node of a supervised child, or at its end, or tries to end it. */
export const CLUSTER_CHILD_MS = 250
/** How long a node that leaves waits until others can see that, and that its names are free. */
export const CLUSTER_HANDOVER_MS = 1000
/** How long who is told of nodes waits for a change, until it asks again. */
export const CLUSTER_CHANGES_MS = 30_000
/** How long a node may take to tell how many services it has. */
export const CLUSTER_LOAD_MS = 1000
/** Between two looks at which services that others know of have ended. */
export const BORDER_SWEEP_MS = 1000

// cluster over TCP (src/cluster/tcp)
/** Of a node, and of a cluster: UTF-8. */
export const CLUSTER_NAME_BYTES_MAX = 64
/** What `cluster.build` says: each node has written it into the store. */
export const CLUSTER_BUILD_BYTES_MAX = 1024
/** Names of which a node remembers the highest token. */
export const CLUSTER_TOKENS_MAX = 65_536
/** Nodes of which is remembered that an epoch of theirs is over. */
export const CLUSTER_OVER_MAX = 4096
/** How long a node may be silent until others may decide that it is dead, unless told otherwise. */
export const CLUSTER_LEASE_MS = 3000
/** How long a wait for a value of the cluster is one request, until it asks again. */
export const DATACENTER_POLL_MS = 5000
/** A machine that is busy must not look dead. */
export const CLUSTER_LEASE_MS_MIN = 100
/** Deadline of a call to another node that names none, unless the config says otherwise. */
export const CLUSTER_CALL_MS = 10_000
/** One packet between two nodes, its length not counted; and of who has not proven the secret. */
export const CLUSTER_PACKET_BYTES_MAX = 64 * 1024
export const CLUSTER_HELLO_BYTES_MAX = 512
/** Connections at the door of a node, and how long they may take to prove the secret. */
export const CLUSTER_HANDSHAKES_MAX = 64
export const CLUSTER_HANDSHAKE_MS = 5000
/** Connections of nodes of one name: processes that are gone, and have not ended theirs. */
export const CLUSTER_CONNECTIONS_MAX = 4
/** A secret that can be guessed is none. */
export const CLUSTER_SECRET_BYTES_MIN = 16
/** Unsent bytes of a connection to another node: beyond them its frames wait in the link. */
export const CLUSTER_UNSENT_BYTES = 256 * 1024
/** The same with beats and answers of the store: beyond them the connection is cut. */
export const CLUSTER_SEND_BYTES_MAX = 16 * 1024 * 1024
/** What was written to another node may take so long to leave behind the end of a connection. */
export const CLUSTER_LINGER_MS = 2000
/** A connection of which nothing is taken is cut after a lease, and no sooner than that. */
export const CLUSTER_UNTAKEN_MS_MIN = 1000
/** How long a connection to another node may take to be there. */
export const CLUSTER_CONNECT_MS = 3000
/** Between two tries: by chance up to so long, twice as long … up to the most. */
export const CLUSTER_RETRY_MS = 100
export const CLUSTER_RETRY_MS_MAX = 1000
/** A connection that ends sooner was none: the pauses go on growing. */
export const CLUSTER_STEADY_MS = 1000
/** A node that could not be reached for so long, and is a member still: people are told. */
export const CLUSTER_UNREACHED_MS = 5000
/** Between two looks whether the files of certificates are others. */
export const CLUSTER_CERTIFICATES_MS = 60_000
/** After a refusal that somebody has to mend: at least half of it. */
export const CLUSTER_REFUSED_MS = 10_000

// the store of a cluster without another one
/** Its entries, their values and keys, and what it remembers of deleted ones. */
export const STORE_ENTRIES_MAX = 65_536
export const STORE_VALUE_BYTES_MAX = 16 * 1024
export const STORE_KEY_BYTES_MAX = 255
export const STORE_DELETED_MAX = 4096
/** Watches of one node. */
export const STORE_WATCHES_MAX = 16
/** How long the seed may take to answer, or to be reached. */
export const STORE_ANSWER_MS = 2000

// clusters over NATS (src/cluster/nats)
/** Handed to the connection, and not at the server yet: beyond that frames wait in their links. */
export const NATS_IN_FLIGHT_BYTES_MAX = 1024 * 1024
/** After so many of them the server is asked whether it has them. */
export const NATS_MARK_BYTES = 256 * 1024
/** A server that takes shorter messages is refused. */
export const NATS_PAYLOAD_BYTES_MIN = 64 * 1024
/** Nodes, at all their epochs, whose subjects are remembered. */
export const NATS_SENDERS_KEPT_MAX = 4096
/** How long one server may take to let us in. */
export const NATS_CONNECT_MS = 2000
/** Between two tries to be let in again: so long, and by chance up to twice. */
export const NATS_RECONNECT_MS = 250
/** Between two pings, and how many may be unanswered: a silent server is given up in 4 s. */
export const NATS_PING_MS = 1000
export const NATS_PINGS_OUT_MAX = 3
/** Of several servers in 1.5 s: there is another, which others hear from us by within a lease. */
export const NATS_PING_OF_MANY_MS = 500
export const NATS_PINGS_OUT_OF_MANY_MAX = 2
/** How long the bucket may take to answer. */
export const NATS_ANSWER_MS = 800
/** The server says so often that a watch goes on; silent for longer, the watch is lost. */
export const NATS_WATCH_IDLE_MS = 1000
export const NATS_WATCH_SILENT_MS = 4000
/** So often a watch asks the server that leads how far that is. */
export const NATS_WATCH_CHECK_MS = 5000
/** Revisions that a watch has passed over at once, and that are asked for one by one. */
export const NATS_PASSED_OVER_MAX = 64
/** How long a deleted key is remembered: by then each watch that goes on has seen it go. */
export const NATS_DELETED_KEPT_MS = 60_000
/** Deleted keys that a node is to remove: those beyond are removed by who opens the bucket next. */
export const NATS_DELETED_MAX = 10_000

// clusters of Skynet (src/skynet-cluster)
/** A message that comes in parts; and the bytes of all that are unfinished on one connection. */
export const SKYNETCLUSTER_MESSAGE_BYTES_MAX = 64 * 1024 * 1024
/** Messages that have begun on one connection, and are not whole. */
export const SKYNETCLUSTER_BEGUN_MAX = 1024
/** Bytes that wait to be sent on one connection. */
export const SKYNETCLUSTER_QUEUE_BYTES_MAX = 128 * 1024 * 1024
/** Calls to one node, and calls of all others to this one, that are under way. */
export const SKYNETCLUSTER_CALLS_MAX = 65_536
/** How long a call may take, unless who calls says otherwise. */
export const SKYNETCLUSTER_CALL_MS = 10_000
/** How long it may take to connect to a node. */
export const SKYNETCLUSTER_CONNECT_MS = 10_000
/** Letters of the tag of a trace: one that is longer is left out. */
export const SKYNETCLUSTER_TAG_CHARS_MAX = 1024
// harbors (src/harbor)
/** Between a slave and its master, a message behind its byte of length. */
export const HARBOR_CONTROL_BYTES_MAX = 255
/** Of a message between harbors, without its size: that is below 16 MiB, as in Skynet. */
export const HARBOR_FRAME_BYTES_MAX = 16 * 1024 * 1024 - 1
/** A global name; Skynet keeps 16 bytes, the last one a NUL. */
export const HARBOR_NAME_BYTES_MAX = 15
/** Global names that a master, or a slave, keeps. */
export const HARBOR_NAMES_MAX = 65_536
/** Of one node: calls to other harbors that wait for answers; requests of theirs that do. */
export const HARBOR_OPEN_MAX = 65_536
/** Bytes that wait for harbors not connected, or for one that is, unless told otherwise. */
export const HARBOR_QUEUE_BYTES = 16 * 1024 * 1024
/** How long a message may wait for its harbor to connect, unless told otherwise. */
export const HARBOR_WAIT_MS = 10_000
/** How long a call to another harbor may take, unless told otherwise. */
export const HARBOR_CALL_MS = 10_000
/** How long a global name is waited for, unless told otherwise. */
export const HARBOR_NAME_MS = 10_000
/** How long it may take to join, and to connect to one who does, unless told otherwise. */
export const HARBOR_JOIN_MS = 10_000
/** Connections that have not said whose they are, of one listener. */
export const HARBOR_STRANGERS_MAX = 256

// streams of Node.js (src/http)
/**
 * Of what is written at once so much is handed on; then it is seen how much waits to be sent. What
 * is read from a file in chunks of 64 KiB fits in with what HTTP puts around it.
 */
export const DUPLEX_PIECE_BYTES = 80 * 1024
/** Writes of one turn that are no more than this leave together without being copied for that. */
export const DUPLEX_GATHER_BYTES = 16 * 1024
/** Bytes that wait to be sent while nothing more is taken. */
export const DUPLEX_UNSENT_BYTES = 256 * 1024

// HTTP (src/http)
/** How long a header may take to come, unless told otherwise. */
export const HTTP_HEADERS_MS = 10_000
/** How long a request may take to come, unless told otherwise. */
export const HTTP_REQUEST_MS = 120_000
/** How long a connection waits for its next request, unless told otherwise. */
export const HTTP_KEEP_ALIVE_MS = 5000
/** How long nothing of a response may leave, unless told otherwise. */
export const HTTP_WRITE_MS = 30_000
/** Of the header of a request, unless told otherwise. */
export const HTTP_HEADER_BYTES_MAX = 16 * 1024
/** Lines of the header of a request, unless told otherwise. */
export const HTTP_HEADERS_MAX = 100
/** Connections of a server, unless told otherwise. */
export const HTTP_CONNECTIONS_MAX = 10_000
/** Requests of one connection whose handlers have not answered. */
export const HTTP_UNANSWERED_MAX = 256
/** Between two looks at who takes too long: it is found out later by so much at most. */
export const HTTP_LOOK_MS_MAX = 1000
/** How long requests that are under way may take when a server closes, unless told otherwise. */
export const HTTP_GRACE_MS = 10_000

// time
/** A timer further away than this is refused (about 49 days in 1 ms ticks). */
export const TIMER_MS_MAX = 0xffffffff
export const MONITOR_INTERVAL_MS = 5000
/** How long the module of a service may load before that is logged. */
export const LOAD_NOTICE_MS = 5000
/** How long a setup may take until that is said. */
export const START_NOTICE_MS = 5000
/** How long a worker may take to tell what it holds, unless who asks says otherwise. */
export const STATS_MS = 3000
/** Setups that wait for each other for so long will do so for ever. */
export const CIRCLE_MS = 1000
/** Of setups that wait for each other so many are remembered: a longer circle is not found. */
export const CIRCLE_SETUPS_MAX = 64
/** How long a unique service may be asked for while there is no manager of them. */
export const MANAGER_WAIT_MS_MAX = 30_000
/** Bots of one load: each is a client with a connection. */
export const LOAD_BOTS_MAX = 100_000
/** Different errors that the result of a load keeps; others are counted together. */
export const LOAD_ERRORS_MAX = 100
/** Rounds of timers at one moment of a `FakeClock`: each round was set by the one before. */
export const CLOCK_ROUNDS_MAX = 100_000
/** Messages that a `testNode` handles while it is to settle, unless its options say otherwise. */
export const TEST_MESSAGES_MAX = 1_000_000
/** How long stop hooks may take, unless the config says otherwise. */
export const GRACE_MS = 5000
/** How long exit hooks may take, unless the config says otherwise. */
export const EXIT_MS = 1000

function holds(isTrue: boolean, what = 'limits do not fit each other'): void {
  if (!isTrue) throw new RangeError(`Cannot use these limits: ${what}`)
}

holds(LINK_FRAME_BYTES_MAX * 2 <= NATS_PAYLOAD_BYTES_MIN, 'a frame fits into a message')
holds(STORE_VALUE_BYTES_MAX * 2 <= NATS_PAYLOAD_BYTES_MIN, 'a value fits into a message')
holds(NATS_MARK_BYTES * 2 <= NATS_IN_FLIGHT_BYTES_MAX, 'who waits for room is told of it')
holds(NATS_DELETED_KEPT_MS >= 4 * NATS_WATCH_SILENT_MS, 'a watch sees what is deleted')
holds(DUPLEX_UNSENT_BYTES + DUPLEX_PIECE_BYTES < SEND_WARNING_BYTES)
holds(SOCKETS_MAX === 1 << 16, 'the low 16 bits of a socket id are its slot')
holds(RING_PAYLOAD_BYTES_MAX * 8 <= RING_BYTES, 'one record is a small part of a ring')
holds(READ_BYTES_MAX * 8 <= SOCKET_RING_BYTES)
holds(SKYNETCLUSTER_MESSAGE_BYTES_MAX < SKYNETCLUSTER_QUEUE_BYTES_MAX)
holds(SKYNETCLUSTER_QUEUE_BYTES_MAX <= MESSAGE_BYTES_MAX)
holds(RING_PAYLOAD_BYTES_MAX * 8 <= COMMAND_RING_BYTES)
holds(KCP_FRAGMENTS_MAX < KCP_WINDOW, 'a message fits into the window')
holds(KCP_COOKIE_MS < KCP_SECRET_MS, 'a cookie is good as long as its secret is known')
holds(KCP_IDLE_MS >= 3 * KCP_KEEP_ALIVE_MS, 'a ping may be lost')
holds(4 * SESSION_STRANGERS_DEFAULT <= SESSION_VISITORS_MAX, 'one address is not everybody')
holds(SESSION_VISITORS_MAX <= KCP_GREETINGS_MAX, 'KCP has room for all strangers')
holds(KCP_MTU_BYTES_MAX <= KCP_PACKET_BYTES_MAX)
holds(LINK_CHUNKS_BYTES_MAX + LINK_FRAME_BYTES_MAX <= LINK_WINDOW_BYTES_MAX)
holds(CLUSTER_HOLD_BYTES < CLUSTER_BACKLOG_BYTES_MAX)
holds(
  CLUSTER_HOLD_BYTES + LINK_QUEUE_BYTES_MAX + CLUSTER_BURST_BYTES_MAX <= CLUSTER_SENDS_BYTES_MAX,
  'what was said before comes',
)
holds(
  LINK_QUEUE_BYTES_MAX + CLUSTER_BURST_BYTES_MAX <= LINK_OVER_BYTES_MAX,
  'what a worker says before it sees that a link is full resets no link',
)
holds(LINK_LONG_BYTES_MAX + CLUSTER_BURST_BYTES_MAX <= LINK_OVER_BYTES_MAX, 'nor long ones')
holds(LINK_CHUNKS_BYTES_MAX >= 2 * LINK_FRAME_BYTES_MAX, 'one chunk is read while one comes')
holds(LINK_ASSEMBLY_BYTES_MAX >= MESSAGE_BYTES_MAX, 'the longest message comes')
holds(LINK_FRAME_BYTES_MAX * 2 <= CLUSTER_PACKET_BYTES_MAX, 'a frame fits into a packet')
holds(STORE_VALUE_BYTES_MAX * 2 <= CLUSTER_PACKET_BYTES_MAX, 'a value fits into a packet')
holds(CLUSTER_PACKET_BYTES_MAX <= CLUSTER_UNSENT_BYTES, 'a packet is no more than one write')
holds(CLUSTER_UNSENT_BYTES * 16 <= CLUSTER_SEND_BYTES_MAX, 'frames wait long before a cut')
