/** How long somebody waits at most, as it is given to whatever waits. */
import { checkMs, checkOptions, checkSignal } from '../base/check.ts'

/** How long to wait, on everything that waits. */
export interface WaitOptions {
  /** Give up after this many milliseconds. 0 or absent: no limit of its own. */
  readonly timeoutMs?: number | undefined
  /** Give up when it aborts: rejects with `ABORT_ERR`, its cause the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The names in WaitOptions. */
export const WAIT_NAMES = ['timeoutMs', 'signal']

/** Limits that were checked. What waits more than once has what is left of them. */
export class WaitLimits implements WaitOptions {
  readonly timeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
  /** Not one of its names: who spreads it into options of his own has those of waits. */
  readonly #askedMs: number | undefined

  /** Whatever it is: a Proxy is not asked. */
  static is(options: unknown): options is WaitLimits {
    return typeof options === 'object' && options !== null && #askedMs in options
  }

  constructor({ timeoutMs, signal }: WaitOptions = {}, askedMs = timeoutMs) {
    this.timeoutMs = timeoutMs
    this.signal = signal
    this.#askedMs = askedMs
  }

  /** What was asked for, to be named when it has passed. */
  get askedMs(): number | undefined {
    return this.#askedMs
  }
}

/** Limits from now on: what is left of them, at each call of what this returns. */
export function limitsFrom(
  clock: { readonly now: number },
  options: WaitOptions,
): () => WaitLimits {
  const { timeoutMs = 0, signal } = options
  const askedMs = WaitLimits.is(options) ? options.askedMs : timeoutMs
  const until = clock.now + timeoutMs
  return () => {
    // What is left may be nothing, which must not be no limit.
    const left = timeoutMs === 0 ? 0 : Math.max(1, until - clock.now)
    return new WaitLimits({ timeoutMs: left, signal }, askedMs)
  }
}

/**
 * @param known Names of options: those of waits, and others whose values are checked elsewhere.
 * @throws `TypeError`, `RangeError` naming what is wrong with them.
 */
export function checkWait(
  what: string,
  options: WaitOptions | undefined,
  known: readonly string[] = WAIT_NAMES,
): void {
  if (options === undefined || WaitLimits.is(options)) return
  checkOptions(what, 'options', options, known)
  checkLimits(what, options)
}

/** The same for options whose names are checked. */
export function checkLimits(what: string, { timeoutMs, signal }: WaitOptions): void {
  if (timeoutMs !== undefined) checkMs(what, 'timeoutMs', timeoutMs)
  checkSignal(what, signal)
}

/** What `checkWait` finds, to be rejected with also where nothing has to be waited for. */
export function wrongWait(what: string, options: WaitOptions | undefined): unknown {
  if (options === undefined || WaitLimits.is(options)) return undefined
  try {
    checkWait(what, options)
    return undefined
  } catch (error) {
    return error
  }
}
