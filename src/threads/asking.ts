/**
 * The course of asking one thread where it is, as a table. A debugger stops the thread for that,
 * and the thread must never be let go of while it may stand there: with nobody at the other end it
 * stands for ever, and can then not even be ended. So giving up has no place here. Who wants the
 * stack may stop waiting for it, and the asking goes on until the thread has said that it is out.
 *
 * `Debugger.disable` takes the debugger away: the thread goes on, unless another debugger holds it.
 */

export type State =
  /** It was told to let itself be debugged, and to stop. */
  | 'asked'
  /** It stood before it was told to stop: at a breakpoint of somebody else. */
  | 'found'
  /** It has taken the order to stop. */
  | 'stopping'
  /** It was told to go on without a debugger. */
  | 'leaving'
  /** It cannot stand any more, or is gone. */
  | 'out'

export type Happening =
  /** The answer to `Debugger.pause`. */
  | 'willStop'
  /** It stands, at no breakpoint. */
  | 'stopped'
  /** It stands at a breakpoint, which is not ours. */
  | 'broke'
  | 'resumed'
  /** The answer to `Debugger.disable`. */
  | 'isOut'
  | 'ended'
  /** This process ends: nothing will be heard of any more. */
  | 'exit'

export type Order = 'Debugger.enable' | 'Debugger.pause' | 'Debugger.resume' | 'Debugger.disable'

interface Move {
  readonly to: State
  readonly orders?: readonly Order[]
}

export const FIRST_ORDERS: readonly Order[] = ['Debugger.enable', 'Debugger.pause']

const leave: Move = { to: 'leaving', orders: ['Debugger.disable'] }
const gone: Move = { to: 'out' }

/** What is not here changes nothing. */
export const MOVES: { readonly [S in State]: { readonly [H in Happening]?: Move } } = {
  asked: {
    willStop: { to: 'stopping' },
    stopped: { to: 'found' },
    broke: { to: 'found' },
    ended: gone,
    exit: leave,
  },
  found: {
    // Who stands takes an order to stop as done; who went on before it came has yet to stop.
    willStop: leave,
    resumed: { to: 'asked' },
    ended: gone,
    exit: leave,
  },
  stopping: {
    stopped: { to: 'leaving', orders: ['Debugger.resume', 'Debugger.disable'] },
    // Somebody looks at it: it is theirs to resume.
    broke: leave,
    ended: gone,
    exit: leave,
  },
  leaving: { isOut: gone, ended: gone },
  out: {},
}
