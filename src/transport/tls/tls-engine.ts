/** What encrypts: the contract of those who do, and of the stream that each is of. */
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'

/** What both sides have agreed on, as `TlsStream` shows it: known once hands are shaken. */
export interface TlsFacts {
  readonly alpnProtocol: string | undefined
  readonly servername: string | undefined
  readonly protocol: string
  readonly isResumed: boolean
  readonly authorized: boolean
  readonly authorizationError: string | undefined
}

/** Of a server: does it ask for a certificate, and take no bad one? */
export interface ServerTrust {
  readonly requestCert: boolean
  readonly rejectUnauthorized: boolean
}

/** Whose engine it is. Nothing is said before `start`, and nothing but `over` after `destroy`. */
export interface TlsEngineHost {
  /** @param problem Why there will be no stream. */
  shaken(problem?: Error): void
  /** @param bytes Its own; null: the peer has said that nothing more comes. */
  received(bytes: Buffer | null): void
  /** Nothing more comes from below, whatever the peer has said. */
  wireEnded(): void
  /** The peer, or what carries its bytes, has done what nobody may. */
  broke(error: Error): void
  /** That nothing more comes from here has left, or never will. */
  over(): void
}

export interface TlsEngine {
  readonly isEndSent: boolean
  /** Begin the handshake. */
  start(): void
  facts(): TlsFacts
  /** Undefined: there is none, or it is destroyed. */
  peerCertificate(isDetailed: boolean): PeerCertificate | DetailedPeerCertificate | undefined
  /**
   * All of it is encrypted when this returns: the bytes are the caller's again.
   *
   * @param done There is room for more: called at once, or later, or never when it breaks.
   */
  write(bytes: Uint8Array, done: () => void): void
  /** Say that nothing more comes, behind what was written. */
  end(): void
  pause(): void
  resume(): void
  /** Close what carries it: what was written still leaves. Again: harmless. */
  destroy(): void
}
