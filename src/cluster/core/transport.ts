/**
 * The contract of what moves frames between nodes: TCP, NATS, memory in tests. A transport knows
 * neither calls nor sessions; order, losses, credit and ends are the business of the link above it.
 */

/** A node at one epoch. Restarted it has another one, and is another peer. */
export interface PeerAddress {
  readonly node: string
  /** Whole, 1 … 2^53-1, and never given twice to the same name. */
  readonly epoch: number
}

/** What a node has written of itself into the store, and all others read there. */
export interface NodeRecord extends PeerAddress {
  /** Where it can be reached, in words of the transport: `host:port` of TCP, nothing of NATS. */
  readonly addresses: readonly string[]
  /** Versions of frames that it speaks. */
  readonly protocol: { readonly min: number; readonly max: number }
  /** Which code it runs. */
  readonly build: string
  /** It takes nothing new. */
  readonly isDraining: boolean
}

/** Who a node is, since it has joined. */
export interface ClusterSelf extends PeerAddress {
  /** Of the store in which it has joined. */
  readonly era: number
}

/**
 * Called by a transport on the thread that drives it, never from within a call to it. Frames of one
 * peer come in the order in which it has sent them, each at most once.
 */
export interface TransportEvents {
  /** A frame is bytes `at` … `end` of `bytes`, which are valid during the call. */
  frame(from: PeerAddress, bytes: Uint8Array, at: number, end: number): void
  /**
   * A beat of any node. Ours too, when it came back: that is the echo. As valid as a frame.
   *
   * @param from The node that a third one, as a broker, vouches for: a beat in the name of another
   * is dropped. Undefined when nobody does.
   */
  beat(bytes: Uint8Array, from?: string): void
  /** After a `send` that has answered false: try again. */
  writable(to: PeerAddress): void
  /**
   * Nobody got a frame, and nobody will: ECONNREFUSED, status 503.
   *
   * @param ticket Of the first frame that nobody got; undefined when the transport cannot tell.
   */
  refused(to: PeerAddress, ticket?: number): void
  /** The way was cut: what was in flight may have come, or not. */
  reset(of: PeerAddress | 'all'): void
  /** Behind a `reset` of all: there is a way again. Nobody may have heard the last beats. */
  restored(): void
}

/**
 * May lose frames: it says so by `reset` at both ends as soon as it can know. Never doubles one,
 * never changes one, keeps their order for each peer. When a node comes back after a cut it says
 * `reset` for whatever may have been lost meanwhile, its own subscription included.
 *
 * It holds no queue. What it cannot hand to the system at once it refuses, but for the rest of one
 * write: the link holds what waits, and knows until when it is worth sending.
 */
export interface ClusterTransport {
  /** Set once, before `open`. */
  events: TransportEvents
  /**
   * Begin to listen, so that peers get through as soon as they know of us.
   *
   * @returns Where: `addresses` of our record.
   */
  open(): Promise<readonly string[]>
  /** We have joined, or joined again: from now on frames and beats are of this epoch. */
  start(self: ClusterSelf): void
  /** A peer as the store has it; again when its record has changed. */
  peerKnown(record: NodeRecord): void
  /** No frame goes to it any more, and none of it is wanted. */
  peerGone(peer: PeerAddress): void
  /**
   * @param frame Valid during the call only: what is kept is copied.
   * @param ticket What `refused` gives back. 0: it need not.
   * @returns False: nothing was taken, and `writable` follows. Without a connection it begins to
   * make one, answers false, and then says `writable`, or `refused`.
   */
  send(to: PeerAddress, frame: Uint8Array, ticket: number): boolean
  /**
   * To every node that there is, ourselves included, by way of who arbitrates: the host of the
   * store, the broker. So a node that hears its own beat is heard. A beat may be lost.
   */
  beat(frame: Uint8Array): void
  /** Hand on what was taken, then close. Nothing is told any more. */
  close(): Promise<void>
}
