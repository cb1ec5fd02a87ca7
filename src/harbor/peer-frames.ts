/**
 * Frames between harbors that are nodes of a cluster: each is a call of the other harbor, which
 * ends when that has it. What has not ended counts as unsent.
 */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import type { HarborParcel } from './roads.ts'

/** Another harbor, as long as it is up. */
export interface FramePeer {
  readonly call: { frame(harbor: number, body: Uint8Array): Promise<unknown> }
}

export interface PeerFramesHost {
  /** The one that is up now under this number. */
  peerOf(harbor: number): FramePeer | undefined
  sleep(ms: number): Promise<unknown>
  /** It was written, and will not be sent. */
  dropped(parcel: HarborParcel, error: SkynetError): void
}

/** The size in front of a frame, which does not travel here. */
const SIZE_BYTES = 4
/** Until an answer is sent again which the link between the nodes did not take, or has lost. */
const AGAIN_MS = 50

export class PeerFrames {
  readonly #host: PeerFramesHost
  /** The own number. */
  readonly #harbor: number
  readonly #unsent = new Map<number, number>()
  /** By harbor: the last of the answers that are sent again. */
  readonly #late = new Map<number, Promise<void>>()

  constructor(host: PeerFramesHost, harbor: number) {
    this.#host = host
    this.#harbor = harbor
  }

  /** Bytes of frames that this harbor has not said to have. */
  unsentOf(harbor: number): number {
    return this.#unsent.get(harbor) ?? 0
  }

  /** Resolves when the other harbor has it, or will never have it. */
  async write(harbor: number, parcel: HarborParcel): Promise<void> {
    const peer = this.#host.peerOf(harbor)
    if (peer === undefined) return
    const { length } = parcel.frame
    this.#count(harbor, length)
    const before = parcel.isAnswer ? this.#late.get(harbor) : undefined
    const isOver = before === undefined && (await this.#isSent(peer, harbor, parcel))
    if (!isOver) await this.#sendLater(peer, harbor, parcel)
    this.#count(harbor, -length)
  }

  /** @returns False: it is an answer that the link has not taken, or may have lost. */
  async #isSent(peer: FramePeer, harbor: number, parcel: HarborParcel): Promise<boolean> {
    try {
      await peer.call.frame(this.#harbor, parcel.frame.subarray(SIZE_BYTES))
    } catch (error) {
      const failure = this.#failureOf(error, harbor)
      // That the harbor has ended is told otherwise.
      if (failure === undefined) return true
      if (parcel.isAnswer) return false
      this.#host.dropped(parcel, failure)
    }
    return true
  }

  #failureOf(error: unknown, harbor: number): SkynetError | undefined {
    if (isSkynetError(error, 'ERR_LINK_FULL')) {
      const { limit, sent } = error.info
      const bytes = this.unsentOf(harbor)
      return new SkynetError('ERR_HARBOR_FULL', { harbor, bytes, limit, sent })
    }
    if (!isSkynetError(error, 'ERR_NODE_LOST')) return undefined
    const { sent } = error.info
    return new SkynetError('ERR_HARBOR_LOST', { harbor, reason: messageOf(error), sent })
  }

  /**
   * Send an answer again until its harbor has it, or is gone: who waits for it would hear nothing.
   * Answers go one behind the other, as in order they came. One that comes twice harms nobody.
   */
  #sendLater(peer: FramePeer, harbor: number, parcel: HarborParcel): Promise<void> {
    const before = this.#late.get(harbor)
    const sent = this.#sendAgain(before, peer, harbor, parcel).finally(() => {
      if (this.#late.get(harbor) === sent) this.#late.delete(harbor)
    })
    this.#late.set(harbor, sent)
    return sent
  }

  async #sendAgain(
    before: Promise<void> | undefined,
    ...[peer, harbor, parcel]: [FramePeer, number, HarborParcel]
  ): Promise<void> {
    const { sleep, peerOf } = this.#host
    if (before === undefined) await sleep(AGAIN_MS)
    else await before
    while (peerOf(harbor) === peer && !(await this.#isSent(peer, harbor, parcel))) {
      await sleep(AGAIN_MS)
    }
  }

  #count(harbor: number, more: number): void {
    const bytes = this.unsentOf(harbor) + more
    if (bytes > 0) this.#unsent.set(harbor, bytes)
    else this.#unsent.delete(harbor)
  }
}
