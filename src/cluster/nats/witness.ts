/**
 * Whether a beat of ours that came back was heard by who decides. A lone server arbitrates for all.
 * Of several, one may be cut off from the others: it gives its own clients their beats back, while
 * everybody else declares them dead. So there a beat counts as heard when it came back and, later
 * than it was sent,
 *
 * - either every peer was heard, as when nothing is wrong, or servers choose who leads;
 * - or most of the servers have agreed to something. One that leads, and is cut off, goes on
 *   answering questions for 10 s and more.
 */
export interface WitnessHost {
  /** Have most of the servers agree to something. Rejects when they do not. */
  agree(): Promise<unknown>
  /** A beat of ours, heard by who decides. */
  echo(bytes: Uint8Array): void
}

interface Sent {
  readonly number: number
  readonly bytes: Uint8Array
  isBack: boolean
}

/** Beats that are remembered: older ones say nothing any more. */
const SENT_MAX = 16

export class Witness {
  readonly #host: WitnessHost
  /** By name, the number of our last beat when it was heard; undefined: never. */
  readonly #peers = new Map<string, number | undefined>()
  #sent: Sent[] = []
  #number = 0
  /** What was asked behind this beat was agreed to. */
  #agreed = 0
  #isAsking = false

  constructor(host: WitnessHost) {
    this.#host = host
  }

  known(peer: string): void {
    if (!this.#peers.has(peer)) this.#peers.set(peer, undefined)
  }

  gone(peer: string): void {
    this.#peers.delete(peer)
    this.#look()
  }

  heard(peer: string): void {
    if (!this.#peers.has(peer)) return
    this.#peers.set(peer, this.#number)
    this.#look()
  }

  /** A beat has left. Its bytes are ours. */
  sent(bytes: Uint8Array): void {
    this.#sent.push({ number: ++this.#number, bytes, isBack: false })
    if (this.#sent.length > SENT_MAX) this.#sent.shift()
    // Peers say it sooner or later, and it costs nothing.
    if (this.#isAsking || this.#isHeardBy(this.#number - 1)) return
    this.#isAsking = true
    const behind = this.#number
    this.#host.agree().then(
      () => this.#toldBy(behind),
      () => this.#toldBy(0),
    )
  }

  /** @returns False: it is none of ours, but of another process of our name. */
  back(bytes: Uint8Array): boolean {
    const beat = this.#sent.find((each) => Buffer.compare(each.bytes, bytes) === 0)
    if (beat === undefined) return false
    beat.isBack = true
    // They come back in order: what is missing before it does not come any more.
    this.#sent = this.#sent.filter((each) => each.isBack || each.number > beat.number)
    this.#look()
    return true
  }

  /** The connection was cut: nothing that is under way comes back. */
  cut(): void {
    this.#sent = []
  }

  #toldBy(number: number): void {
    this.#isAsking = false
    this.#agreed = Math.max(this.#agreed, number)
    this.#look()
  }

  #look(): void {
    for (;;) {
      const [first] = this.#sent
      if (first === undefined || !first.isBack || !this.#isHeard(first.number)) return
      this.#sent.shift()
      this.#host.echo(first.bytes)
    }
  }

  #isHeard(number: number): boolean {
    return this.#agreed >= number || this.#isHeardBy(number)
  }

  /** Has every peer been heard behind that beat? Nobody is not enough. */
  #isHeardBy(number: number): boolean {
    for (const heardAt of this.#peers.values()) {
      if (heardAt === undefined || heardAt < number) return false
    }
    return this.#peers.size > 0
  }
}
