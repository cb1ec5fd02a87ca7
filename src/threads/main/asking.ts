/**
 * The course of asking one thread where it is, as a table. A debugger stops the thread for that,
 * and the thread must never be let go of while it may stand there: with nobody at the other end it
 * stands for ever, and can then not even be ended. So giving up has no place here. Who wants the
 * stack may stop waiting for it, and the asking goes on until the thread has said that it is out.
 *
 * `Debugger.disable` takes the debugger away, and with that the thread goes on. Where another
 * debugger holds it as well, it stays in the hands of that one: nothing of theirs is resumed.
 *
 * A thread that takes itself apart must not be told anything: see ends.ts. So there is one order to
 * a thread that stands, which does not end meanwhile, and none to one that goes on; the way to it
 * stays open for the next time.
 */

export type AskingState =
  /** It has no debugger of ours. */
  | 'idle'
  /** It was told to let itself be debugged, and to stop. */
  | 'asked'
  /** It stands, and was told to go on without a debugger. */
  | 'leaving'
  | 'over'

export type Happening =
  /** Somebody wants to know where it is. */
  | 'ask'
  /** It stands: for us, or at a breakpoint of somebody. */
  | 'stopped'
  /** The answer to `Debugger.disable`. */
  | 'isOut'
  | 'ended'
  /** This process ends: nothing will be heard of any more. */
  | 'exit'

export type Order = 'Debugger.enable' | 'Debugger.pause' | 'Debugger.disable'

interface Move {
  readonly to: AskingState
  readonly orders?: readonly Order[]
}

const leave: Move = { to: 'leaving', orders: ['Debugger.disable'] }
const over: Move = { to: 'over' }

/** What is not here changes nothing. */
export const MOVES: { readonly [S in AskingState]: { readonly [H in Happening]?: Move } } = {
  idle: { ask: { to: 'asked', orders: ['Debugger.enable', 'Debugger.pause'] }, ended: over },
  asked: { stopped: leave, ended: over, exit: leave },
  leaving: { isOut: { to: 'idle' }, ended: over },
  over: {},
}
