/** Gives the core what it needs: connections, timers, the page, the token of before. */
import type { ClientLink, ClientLinkMaker } from './client-link.ts'
import type { ClientSettings } from './connect-options.ts'
import { ClientCore, type CoreHost } from './core.ts'
import { watchPage } from './page.ts'
import type { Surroundings } from './surroundings.ts'
import { NOTHING } from './wire.ts'

/** Whom the core tells what users hear of. */
export type CoreListener = Pick<CoreHost, 'changed' | 'push'>

/** What a client logs in with, or what gives that for each new session. */
export type LoginBytes = Uint8Array | (() => Promise<Uint8Array>)

/** The core within its surroundings. */
export function drivenCore(
  settings: ClientSettings,
  login: LoginBytes,
  around: Surroundings,
  listener: CoreListener,
): ClientCore {
  const { store } = settings
  const mark = login instanceof Uint8Array ? login : NOTHING
  let stopTimer: (() => void) | undefined
  const core: ClientCore = new ClientCore(
    {
      ...listener,
      ...connections(settings.links, login, mark, () => core),
      now: around.now,
      random: around.random,
      timer(ms) {
        stopTimer?.()
        stopTimer = around.after(ms, () => core.tick())
      },
      changed(state) {
        store?.save(mark, core)
        if (state === 'closed') {
          stopTimer?.()
          stopWatching()
        }
        listener.changed(state)
      },
    },
    { ...settings, ...store?.load(mark) },
  )
  const stopWatching = watchPage(around.page, {
    awake: () => core.wake(),
    // Without a storage nobody will come back to the session.
    leaving: (mayReturn) => mayReturn || store || core.close(),
  })
  return core
}

/** The connections of the core, one after the other. */
function connections(
  links: ClientLinkMaker,
  login: LoginBytes,
  first: Uint8Array,
  core: () => ClientCore,
): Pick<CoreHost, 'login' | 'open' | 'send' | 'end'> {
  let bytes = first
  /** The connection of now; 0: none. */
  let current = 0
  let link: ClientLink | undefined

  return {
    login: () => bytes,
    open(connection) {
      const connect = (): void => {
        link = links.open({
          opened: () => core().opened(connection),
          heard: (message) => core().heard(connection, message),
          closed: (reason) => core().lost(connection, reason),
        })
      }
      const fail = (error: unknown, code?: string): void =>
        core().lost(connection, `${error}`, code)
      current = connection
      link = undefined
      if (typeof login === 'function' && core().token.length === 0) {
        login()
          .then(
            (fresh) => {
              bytes = fresh
              // It may have taken longer than a connection may take to open.
              if (connection === current) connect()
            },
            (error) => fail(error, 'no-login'),
          )
          .catch(fail)
        return
      }
      try {
        connect()
      } catch (error) {
        // The first time it is the mistake of whoever has called.
        if (connection === 1) throw error
        fail(error)
      }
    },
    send: (message) => link?.send(message),
    end(connection) {
      if (connection !== current) return
      current = 0
      link?.close()
    },
  }
}
