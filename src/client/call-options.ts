/** How long a call waits. */
import { MS_MAX, mustBe, numberIn, optionsOf } from './check.ts'

export interface CallOptions {
  /**
   * Give up after this many milliseconds: `ERR_CLIENT_TIMEOUT`. 0 or missing: no limit. A call that
   * was sent may run nevertheless, once.
   */
  readonly timeoutMs?: number | undefined
  /** Give up when it aborts: `ABORT_ERR`, its cause the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Of the options of a call. */
export const checkCallOptions = optionsOf({
  timeoutMs: numberIn(0, MS_MAX, 'a number', (value) => typeof value === 'number'),
  signal: mustBe('an AbortSignal', (value) => typeof Object(value).aborted === 'boolean'),
})
