/**
 * An `SSL` of OpenSSL: bytes in, bytes out. It knows no streams.
 *
 * All of a thread share two buffers of OpenSSL (`BIO`), one for what comes, one for what leaves.
 * Both are empty between two calls: an SSL takes all that has come, and `takeOutput` follows each
 * call that may have made some. So one that is silent holds no buffers.
 */
import { NATIVE_OBJECTS_MAX } from '../base/limits.ts'
import { nativeObjects } from '../shm/native-objects.ts'
import { addressOfBytes } from './libc.ts'
import { SSL as C, type Openssl, openssl } from './openssl.ts'
import { certificateError, NO_CERTIFICATE, opensslError } from './ssl-errors.ts'

/** What is encrypted at a time: three records. */
const PIECE_BYTES = 3 * 16_384
/** What that becomes has room in there. */
const ROOM_BYTES = 4 * 16_384

/** What a thread has for all of them. */
interface Desk {
  readonly lib: Openssl
  readonly input: number
  readonly output: number
  /** Where both are copied to; means nothing after the call. */
  readonly room: Buffer
  readonly roomAt: number
}

let desk: Desk | undefined

function deskOf(lib: Openssl): Desk {
  if (desk !== undefined) return desk
  const makeBio = (): number => {
    const bio = lib.BIO_new(lib.BIO_s_mem())
    nativeObjects()?.add(-bio)
    return bio
  }
  const room = Buffer.allocUnsafeSlow(ROOM_BYTES)
  desk = { lib, input: makeBio(), output: makeBio(), room, roomAt: addressOfBytes(room) }
  return desk
}

/** What is to be freed: once, by its owner, or by nobody's having it any more. */
interface Held {
  address: number
  readonly place: number
}

function free(held: Held): void {
  const { address, place } = held
  if (address === 0) return
  held.address = 0
  const { lib } = desk!
  // In this order: see native-objects.ts.
  nativeObjects()?.remove(place)
  lib.SSL_free(address)
}

/** A service that is killed frees nothing of its own. */
const forgotten = new FinalizationRegistry<Held>(free)

/** What has become of a call; `failed`: `error` says why. */
export type SslOutcome = 'done' | 'more' | 'ended' | 'failed'

/** Made by `Ssl.of`. Nothing but `free` may be called once it is free. */
export class Ssl {
  readonly #desk: Desk
  readonly #held: Held
  /** Why the last call has failed. */
  error: NodeJS.ErrnoException | undefined
  /** In so many records was something that the last `read` has decrypted. */
  fullRecords = 0
  /** Has come with the end of the handshake, for `read`. */
  #behind: Buffer | undefined

  private constructor(desk: Desk, held: Held) {
    this.#desk = desk
    this.#held = held
    forgotten.register(this, held)
  }

  /**
   * @param context Where an `SSL_CTX` is: `addressOfContext`.
   * @throws {Error} There is no memory, or this thread has as many as it may.
   */
  static of(context: number, side: 'server' | 'client'): Ssl {
    const lib = openssl()!
    const desk = deskOf(lib)
    const address = lib.SSL_new(context)
    if (address === 0) throw new Error('there is no memory for it')
    const objects = nativeObjects()
    const place = objects?.add(address) ?? 0
    if (objects !== undefined && place === 0) {
      lib.SSL_free(address)
      throw new Error(`this worker has ${NATIVE_OBJECTS_MAX} of them`)
    }
    // Whichever is freed lets go of both.
    lib.BIO_up_ref(desk.input)
    lib.BIO_up_ref(desk.output)
    lib.SSL_set_bio(address, desk.input, desk.output)
    lib.SSL_ctrl(address, C.CTRL_MODE, C.MODE_AUTO_RETRY | C.MODE_RELEASE_BUFFERS, 0)
    // A peer could have us compute without end.
    lib.SSL_set_options(address, C.OP_NO_RENEGOTIATION)
    if (side === 'server') lib.SSL_set_accept_state(address)
    else lib.SSL_set_connect_state(address)
    const ssl = new Ssl(desk, { address, place })
    ssl.#verify(C.VERIFY_NONE)
    return ssl
  }

  // --- before the handshake ------------------------------------------------------------------

  /** Of a server. A bad one is no failure: ask `peerProblem`. @param isNeeded To show none is. */
  askCertificate(isNeeded: boolean): void {
    this.#verify(C.VERIFY_PEER | (isNeeded ? C.VERIFY_FAIL_IF_NO_PEER_CERT : 0))
  }

  #verify(mode: number): void {
    this.#lib.SSL_set_verify(this.#address, mode, this.#lib.yes)
  }

  /** Of a client: whose certificate it asks for. */
  askFor(name: string): void {
    const text = Buffer.from(`${name}\0`)
    this.#lib.SSL_ctrl(this.#address, C.CTRL_SET_TLSEXT_HOSTNAME, C.HOST_NAME, text)
  }

  /** Of a client: what it knows. @throws {TypeError} OpenSSL takes them not. */
  offer(protocols: readonly string[]): void {
    const names = Buffer.concat(protocols.map(lengthAndText))
    this.#lib.SSL_set_alpn_protos(this.#address, names, names.length)
  }

  // --- bytes ---------------------------------------------------------------------------------

  get #lib(): Openssl {
    return this.#desk.lib
  }

  get #address(): number {
    const { address } = this.#held
    // OpenSSL would not ask.
    if (address === 0) throw new Error('an SSL is used after it was freed')
    return address
  }

  /** Bytes of the peer, for the calls that follow at once. */
  feed(bytes: Uint8Array): void {
    this.#lib.BIO_write(this.#desk.input, bytes, bytes.length)
  }

  /** @returns `done`, `more`: it goes on with what comes, `failed`. */
  handshake(): SslOutcome {
    this.#lib.ERR_clear_error()
    const result = this.#lib.SSL_do_handshake(this.#address)
    if (result !== 1) return this.#outcome(result)
    this.#lib.ERR_clear_error()
    // Who looks at the peer now may refuse it: another SSL would find there what nobody has read.
    const behind = this.#takeAll(this.#desk.input)
    this.#behind = behind && Buffer.from(behind)
    return 'done'
  }

  /**
   * Decrypt all that was fed, to the end of `into`.
   *
   * @returns `more`, `ended`: the peer has said so, `failed`.
   */
  read(into: Buffer[]): SslOutcome {
    const { lib, room, roomAt } = this.#desk
    const address = this.#address
    lib.ERR_clear_error()
    if (this.#behind !== undefined) this.feed(this.#behind)
    this.#behind = undefined
    this.fullRecords = 0
    for (;;) {
      let length = 0
      let result = 1
      while (length < ROOM_BYTES) {
        result = lib.SSL_read(address, roomAt + length, ROOM_BYTES - length)
        if (result <= 0) break
        length += result
        this.fullRecords++
      }
      if (length > 0) into.push(copyOf(room, length))
      if (result <= 0) return this.#outcome(result)
    }
  }

  /**
   * Encrypt; `takeOutput` before the others.
   *
   * @returns How many of them; `more`: none before the peer, who has sent half of a message of a
   * handshake, has sent the rest; `failed`.
   */
  write(bytes: Uint8Array): number | 'more' | 'failed' {
    const { lib } = this.#desk
    lib.ERR_clear_error()
    const piece = bytes.length > PIECE_BYTES ? bytes.subarray(0, PIECE_BYTES) : bytes
    const result = lib.SSL_write(this.#address, piece, piece.length)
    if (result > 0) return result
    const outcome = this.#outcome(result)
    if (outcome === 'more') return outcome
    this.error ??= opensslError(lib)
    return 'failed'
  }

  /** Say that nothing more comes. */
  shutdown(): void {
    this.#lib.ERR_clear_error()
    this.#lib.SSL_shutdown(this.#address)
    this.#lib.ERR_clear_error()
  }

  /** @returns What is to be sent, in memory of the thread: another call may overwrite it. */
  takeOutput(): Buffer | undefined {
    return this.#takeAll(this.#desk.output)
  }

  #takeAll(bio: number): Buffer | undefined {
    const { lib, room } = this.#desk
    const length = lib.BIO_read(bio, room, ROOM_BYTES)
    if (length <= 0) return undefined
    if (length < ROOM_BYTES) return room.subarray(0, length)
    const parts = [copyOf(room, length)]
    for (let more = length; more > 0; ) {
      more = lib.BIO_read(bio, room, ROOM_BYTES)
      if (more > 0) parts.push(copyOf(room, more))
    }
    return Buffer.concat(parts)
  }

  #outcome(result: number): SslOutcome {
    const { lib, input } = this.#desk
    const why = lib.SSL_get_error(this.#address, result)
    if (why === C.ERROR_WANT_READ) return 'more'
    // What has come behind it is nobody's.
    lib.BIO_ctrl(input, C.BIO_CTRL_RESET, 0, 0)
    if (why === C.ERROR_ZERO_RETURN) return 'ended'
    this.error = opensslError(lib)
    return 'failed'
  }

  // --- after the handshake -------------------------------------------------------------------

  get version(): string {
    return this.#lib.SSL_get_version(this.#address) ?? ''
  }

  get isResumed(): boolean {
    return this.#lib.SSL_session_reused(this.#address) === 1
  }

  get servername(): string | undefined {
    return this.#lib.SSL_get_servername(this.#address, C.HOST_NAME) ?? undefined
  }

  get protocol(): string | undefined {
    const { lib, room, roomAt } = this.#desk
    // Where the name is, and how long.
    lib.SSL_get0_alpn_selected(this.#address, roomAt, roomAt + 8)
    const [, , length = 0] = new Uint32Array(room.buffer, 0, 3)
    if (length === 0) return undefined
    lib.memcpy(roomAt, Number(new BigUint64Array(room.buffer, 0, 1)[0]), length)
    return room.toString('latin1', 0, length)
  }

  /** What speaks against the certificate of the peer, or that it has shown none. */
  get peerProblem(): NodeJS.ErrnoException | undefined {
    const { lib } = this.#desk
    const certificate = lib.SSL_get1_peer_certificate(this.#address)
    if (certificate === 0) return certificateError(lib, NO_CERTIFICATE)
    lib.X509_free(certificate)
    return certificateError(lib, lib.SSL_get_verify_result(this.#address))
  }

  /** What the peer has shown, as DER; undefined: nothing, or it is free. */
  get peerCertificate(): Buffer | undefined {
    const { lib } = this.#desk
    const { address } = this.#held
    const certificate = address === 0 ? 0 : lib.SSL_get1_peer_certificate(address)
    if (certificate === 0) return undefined
    const der = this.#derOf(certificate)
    lib.X509_free(certificate)
    return der
  }

  /** With it those that have signed it, as far as they are known. */
  get peerChain(): Buffer[] {
    const { lib } = this.#desk
    const { address } = this.#held
    const stack = address === 0 ? 0 : lib.SSL_get0_verified_chain(address)
    const length = stack === 0 ? 0 : lib.OPENSSL_sk_num(stack)
    return Array.from({ length }, (_, index) => this.#derOf(lib.OPENSSL_sk_value(stack, index)))
  }

  #derOf(certificate: number): Buffer {
    const { lib } = this.#desk
    const der = Buffer.allocUnsafeSlow(lib.i2d_X509(certificate, 0))
    // It moves what points there.
    const to = BigUint64Array.of(BigInt(addressOfBytes(der)))
    lib.i2d_X509(certificate, new Uint8Array(to.buffer))
    return der
  }

  free(): void {
    free(this.#held)
  }
}

function copyOf(room: Buffer, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  room.copy(bytes, 0, 0, length)
  return bytes
}

function lengthAndText(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.of(bytes.length), bytes])
}
