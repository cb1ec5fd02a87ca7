/** The same event to many sessions. */
import { checkFunction, isA, isObject, refusal } from '../base/check.ts'
import type { ClientProtocol, EventsOf } from '../client/client-protocol.ts'
import { latestOf, type PushArgs, Session } from './session.ts'

/** Sessions of one gate. */
interface Group {
  /** Any of them. */
  readonly first: Session<never>
  readonly keys: number[]
}

/**
 * Tell the clients of many sessions an event: encoded once, and one message for each gate. As
 * `session.push` for each of them, in their order; those that are over are left out.
 *
 *     pushAll(players, 'line', line)
 *     pushAll(players, 'cursor', cursor, { latest: cursor.user })
 *
 * @throws As `session.push`: then nobody was told.
 */
export function pushAll<P extends ClientProtocol, Event extends keyof EventsOf<P> & string>(
  sessions: Iterable<Session<P>>,
  event: Event,
  ...rest: PushArgs<P, Event>
): void {
  const [value, options] = rest
  if (!isObject(sessions)) {
    throw refusal('type', 'push to all', 'sessions', 'an iterable of sessions', sessions)
  }
  checkFunction('push to all', 'sessions[Symbol.iterator]', sessions[Symbol.iterator])
  const latest = latestOf(options)
  const groups = new Map<number, Group>()
  let shortest = Number.POSITIVE_INFINITY
  for (const session of sessions) {
    if (!isA(session, Session)) {
      throw refusal('type', 'push to all', 'session', 'a session', session)
    }
    if (session.isOver) continue
    const { gate, key, bytesMax } = Session.placeOf(session)
    shortest = Math.min(shortest, bytesMax)
    const group = groups.get(gate)
    if (group === undefined) groups.set(gate, { first: session, keys: [key] })
    else group.keys.push(key)
  }
  let body: Uint8Array | undefined
  for (const { first, keys } of groups.values()) {
    // Before anybody is told: what one of the gates does not take nobody hears.
    body ??= Session.encode(first, event, value, shortest)
    Session.tellAll(first, keys, event, body, latest)
  }
}
