/** Clients of a gate: calls, events and states on top of what the core decides. */
import { CONNECT, mustBe } from './check.ts'
import { clientCalls } from './client-calls.ts'
import { clientEvents } from './client-events.ts'
import type { ClientProtocol } from './client-protocol.ts'
import { clientStates } from './client-states.ts'
import { type ConnectOptionsOf, settingsOf } from './connect-options.ts'
import { drivenCore } from './driven-core.ts'
import { FULL } from './full.ts'
import { jsonBodies } from './json.ts'
import type { SessionClient } from './session-client.ts'
import { REAL_SURROUNDINGS, type Surroundings } from './surroundings.ts'

/**
 * A client of the gate at `url`, or behind `transport`: it connects, and connects again whenever
 * that is needed, until it is closed or the server has ended the session for good.
 *
 *     const client = connect(canvas, { url: 'wss://game.example/canvas', login: { name: 'bob' } })
 *     client.on('line', draw)
 *     await client.ready
 *     await client.call.draw({ from: [0, 0], to: [9, 9] })
 *
 * @throws `TypeError`, `RangeError` naming the option; what the codec throws for the login.
 * {@link ClientError} `ERR_CLIENT_NO_WEBSOCKET`.
 */
export function connect<P extends ClientProtocol>(
  protocol: P,
  options: ConnectOptionsOf<P>,
): SessionClient<P> {
  return startClient(protocol, options, REAL_SURROUNDINGS)
}

const aProtocol = mustBe('of clientProtocol()', (value) => {
  const { calls, events } = Object(value) as Partial<ClientProtocol>
  return calls !== undefined && events !== undefined
})

/** The same within other surroundings. */
export function startClient<P extends ClientProtocol>(
  protocol: P,
  options: ConnectOptionsOf<P>,
  around: Surroundings,
): SessionClient<P> {
  if (FULL) aProtocol(CONNECT, 'protocol', protocol)
  const settings = settingsOf(options)
  const { calls, events: eventNames, bodies = jsonBodies } = protocol
  const { login } = options
  const encoded = (value: unknown): Uint8Array => bodies.encode('login', '', value)
  const events = clientEvents(Object.keys(eventNames), bodies, around)
  const states = clientStates(() => core, around, events.end)
  const core = drivenCore(
    settings,
    typeof login === 'function'
      ? async () => encoded(await (login as () => unknown)())
      : encoded(login),
    around,
    {
      changed: states.changed,
      push(name, body) {
        try {
          events.push(name, body)
        } catch (error) {
          // Events have no gaps: rather none than one that is missing.
          core.close('unreadable', `Event ${name}: ${error}`)
        }
      },
    },
  )
  try {
    core.start()
  } catch (error) {
    core.close()
    throw error
  }
  const { on, events: loop } = events
  // Names and values are those of the protocol, which these parts cannot follow.
  return Object.assign(states.shown, {
    ...clientCalls(Object.keys(calls), bodies, core, around),
    on,
    events: loop,
  }) as unknown as SessionClient<P>
}
