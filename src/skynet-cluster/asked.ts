/** A request to another node, from when it is asked until it is answered. */
import { SkynetError } from '../base/errors.ts'
import { TEXT } from './answer-frames.ts'
import type { Target } from './request-frames.ts'

/** To whom, for people: `@db`, `:0000000a`, `the name`. */
export function targetText(target: Target): string {
  if (target === 0) return 'its names'
  return typeof target === 'string' ? target : `:${target.toString(16).padStart(8, '0')}`
}

/** `connect` only wants to know when there is a connection. */
export type AskedKind = 'call' | 'push' | 'connect'

/** What becomes of it. A push has nobody who waits: its failure is logged. */
export interface AskedEnd {
  readonly resolve: (answer: Buffer) => void
  readonly reject: (error: Error) => void
}

/** With these no service was called; ours may have a reason behind them. */
const UNCALLED: readonly string[] = [TEXT.NAME, TEXT.UNKNOWN, TEXT.LARGE, TEXT.DEAD]
const isUncalled = (text: string): boolean =>
  UNCALLED.some((each) => text === each || text.startsWith(`${each}: `))

export class Asked {
  readonly node: string
  readonly target: Target
  /** Nothing any more once it is on its way: the answer may take long. */
  message: Buffer
  readonly kind: AskedKind
  /** Of the trace that it is part of. */
  readonly trace: string | undefined
  readonly #end: AskedEnd
  /** 0: it has none so far. */
  session = 0
  /** The other node may have all of it. */
  isSent = false
  isOver = false

  constructor(
    node: string,
    target: Target,
    message: Buffer,
    kind: AskedKind,
    trace: string | undefined,
    end: AskedEnd,
  ) {
    this.node = node
    this.target = target
    this.message = message
    this.kind = kind
    this.trace = trace
    this.#end = end
  }

  get isPush(): boolean {
    return this.kind === 'push'
  }

  get to(): string {
    return targetText(this.target)
  }

  /** The message is on its way, or kept by who sends it. */
  release(): void {
    this.message = RELEASED
  }

  resolve(answer: Buffer): void {
    if (this.isOver) return
    this.isOver = true
    this.#end.resolve(answer)
  }

  reject(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.#end.reject(error)
  }

  lost(reason: string, cause?: unknown): void {
    const { node, to } = this
    const sent = this.isSent ? 'maybe' : 'no'
    const info = { node, to, reason, sent } as const
    this.reject(new SkynetError('ERR_SKYNETCLUSTER_LOST', info, { cause }))
  }

  down(reason: string): void {
    const { node } = this
    this.reject(new SkynetError('ERR_SKYNETCLUSTER_DOWN', { node, reason, sent: 'no' }))
  }

  /** Its answer is none. */
  unfit(reason: string): void {
    const { node, to } = this
    this.reject(new SkynetError('ERR_SKYNETCLUSTER_ANSWER', { node, to, reason, sent: 'maybe' }))
  }

  /** The other node says no. */
  refused(text: string): void {
    const { node, to } = this
    const sent = isUncalled(text) ? 'no' : 'maybe'
    this.reject(new SkynetError('ERR_SKYNETCLUSTER_REMOTE', { node, to, text, sent }))
  }

  full(what: string, limit: number): void {
    const { node } = this
    this.reject(new SkynetError('ERR_SKYNETCLUSTER_FULL', { node, what, limit, sent: 'no' }))
  }
}

const RELEASED = Buffer.alloc(0)
