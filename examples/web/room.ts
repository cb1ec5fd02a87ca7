/** The room: everybody who is at the sheet, whichever way they came. */
import type { ServiceRef } from 'skynet-ts'
import { defineAgent, pushAll, type Session } from 'skynet-ts/session'
import { Drawing } from './drawing.ts'
import { canvas, type Person, type Piece } from './protocol.ts'

/** Who is told in words: see lines.ts. */
export interface Listener {
  hear(text: string): void
}

export default defineAgent(canvas, () => {
  const sessions = new Set<Session<typeof canvas>>()
  const people = new Map<string, Person>()
  const listeners = new Set<ServiceRef<Listener>>()
  const drawing = new Drawing()

  const tell = (text: string): void => {
    for (const listener of listeners) listener.send.hear(text)
  }
  const nameOf = (id: string): string => people.get(id)?.name ?? 'somebody'
  const change = (id: string, changes: Partial<Person>): void => {
    people.set(id, { id, name: nameOf(id), isAway: false, ...changes })
    pushAll(sessions, 'people', [...people.values()], { latest: true })
  }

  // For all of them, by id.
  const room = {
    enter(id: string, name: string): void {
      change(id, { name })
      tell(`${name} has come`)
    },
    leave(id: string): void {
      tell(`${nameOf(id)} has left`)
      people.delete(id)
      pushAll(sessions, 'people', [...people.values()], { latest: true })
    },
    rename: (id: string, name: string): void => change(id, { name }),
    draw(id: string, piece: Piece): void {
      pushAll(sessions, 'drawn', drawing.add(piece, nameOf(id)))
    },
    clear(id: string): void {
      const by = nameOf(id)
      pushAll(sessions, 'cleared', { by, n: drawing.clear() })
      tell(`${by} has cleared the sheet`)
    },
  }

  return {
    calls: {
      draw: (session, piece) => room.draw(session.id, piece),
      clear: (session) => room.clear(session.id),
      rename: (session, { name }) => room.rename(session.id, name),
      point(session, { x, y }) {
        const { id } = session
        const others = Array.from(sessions).filter((each) => each !== session)
        pushAll(others, 'pointer', { id, name: nameOf(id), x, y }, { latest: id })
      },
    },
    joined(session) {
      for (const [at, pieces] of drawing.parts().entries()) {
        session.push('picture', { n: drawing.n, isFirst: at === 0, pieces })
      }
      sessions.add(session)
      room.enter(session.id, session.user)
    },
    dropped: (session) => change(session.id, { isAway: true }),
    back: (session) => change(session.id, { isAway: false }),
    left(session) {
      sessions.delete(session)
      room.leave(session.id)
    },
    // For those who come by text.
    methods: {
      ...room,
      who: (): Person[] => [...people.values()],
      sheet: () => drawing.pieces,
      listen: (listener: ServiceRef<Listener>): void => void listeners.add(listener),
    },
  }
})
