/** Entry: the same on nact, all on one thread. */
import nact, { type Ref } from 'nact'
import type { Measure } from '../support/bench.ts'
import {
  type ChatMessage,
  chatMessage,
  type Pace,
  paceCalls,
  Receiver,
  Sender,
} from '../support/pace.ts'
import { serve } from '../support/serve.ts'
import { settledMemory } from '../support/settled.ts'

const { dispatch, query, spawnStateless, start, stop } = nact

interface Question {
  readonly value: number
  readonly sender: Ref<number>
}

const QUERY_MS_MAX = 60_000

const system = start()
const answerer = spawnStateless(system, ({ value, sender }: Question) => dispatch(sender, value))
const receiver = new Receiver((count) => sender.acked(count))
const listener = spawnStateless(system, (message: ChatMessage) => receiver.receive(message))
const sender = new Sender((at) => dispatch(listener, chatMessage(at)))

let lastName = 0
const idle = (): void => {}
/** Its way to say: one more actor. Without a name it draws one, which may be taken. */
const spawnOne = (): Ref<unknown> => spawnStateless(system, idle, `idle-${++lastName}`)

function spawnFor(seconds: number): Measure {
  const actors: Ref<unknown>[] = []
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  while (performance.now() < endsAt) {
    for (let i = 0; i < 100; i++) actors.push(spawnOne())
  }
  const value = (actors.length * 1000) / (performance.now() - startedAt)
  for (const actor of actors) stop(actor)
  return { completed: actors.length, value }
}

serve({
  call: (pace: Pace & { concurrent: number }) =>
    paceCalls(
      (value) => query(answerer, (from: Ref<number>) => ({ value, sender: from }), QUERY_MS_MAX),
      pace,
    ),
  send: (pace: Pace) => sender.pace(pace),
  spawn: ({ seconds, warmSeconds }: Pace) => {
    spawnFor(warmSeconds)
    return spawnFor(seconds)
  },
  idle: async ({ count }: { count: number }) => {
    const before = await settledMemory()
    for (let i = 0; i < count; i++) spawnOne()
    const after = await settledMemory()
    return { heap: after.heap - before.heap, rss: after.rss - before.rss }
  },
})
