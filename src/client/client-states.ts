/** What a client is doing, as its user sees it. */
import { ClientError } from './client-error.ts'
import type { ClientCore, CoreState } from './core.ts'
import { Listeners } from './listeners.ts'
import type { SessionClient, SessionClientState, StateChange } from './session-client.ts'
import type { Surroundings } from './surroundings.ts'

type Shown = Pick<SessionClient<never>, 'ready' | 'state' | 'reason' | 'id' | 'onState' | 'close'>

export interface ClientStates {
  /** The part of the client that this is. */
  readonly shown: Shown
  changed(state: CoreState): void
}

/** @param over Is told when it is closed: why, unless its user has asked for that. */
export function clientStates(
  core: () => ClientCore,
  around: Surroundings,
  over: (error: ClientError | undefined) => void,
): ClientStates {
  const listeners = new Listeners<[SessionClientState, StateChange]>(around.uncaught)
  let state: SessionClientState = 'connecting'
  let settle: { resolve(): void; reject(error: ClientError): void }
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Who does not ask whether it is ready hears of it by the state.
  ready.catch(() => {})
  const shown: Shown = {
    ready,
    get state() {
      return state
    },
    get reason() {
      return state === 'open' ? undefined : core().reason
    },
    get id() {
      return core().session
    },
    onState: (listener) => listeners.add(listener),
    async close() {
      core().close()
    },
  }
  return {
    shown,
    changed(coreState) {
      const isEarly = coreState === 'idle' || coreState === 'greeting'
      const next = isEarly ? 'connecting' : coreState
      if (next === state) return
      state = next
      const { reason } = shown
      if (next === 'open') settle.resolve()
      if (next === 'closed') {
        const error = new ClientError('ERR_CLIENT_CLOSED', 'connect', reason?.text, reason?.code)
        settle.reject(error)
        over(reason?.code === 'bye' ? undefined : error)
      }
      const isDown = next === 'waiting' || next === 'closed'
      const isResumed = next === 'open' && core().isResumed
      listeners.tell(next, { isResumed, reason: isDown ? reason : undefined })
    },
  }
}
