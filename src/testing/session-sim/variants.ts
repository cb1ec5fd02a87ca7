/** Designs that are wrong, each by one rule that it does not have: the simulation must find out. */
import { Allowance } from '../../client/allowance.ts'
import { ClientCore } from '../../client/core.ts'
import { decodeWire, FROM_CLIENT, type FromClient, type FromServer } from '../../client/wire.ts'
import { ClientSession } from '../../session/core/client-session.ts'
import { KeptAnswers } from '../../session/core/kept-answers.ts'
import { KeptPushes } from '../../session/core/kept-pushes.ts'
import type { SessionLimits } from '../../session/core/session-limits.ts'
import { SessionTokens } from '../../session/core/session-tokens.ts'
import { Visitor } from '../../session/core/visitor.ts'

export interface SessionVariant {
  readonly name: string
  /** Take the rule away. @returns What gives it back. */
  readonly breakRule?: () => () => void
  /** What a gate says is something else. */
  readonly gateSays?: (message: FromServer) => FromServer
  /** What a client says is something else. */
  readonly clientSays?: (message: FromClient) => FromClient
  /** What a gate keeps to is something else. */
  readonly limits?: Partial<SessionLimits>
}

export const REAL_SESSIONS: SessionVariant = { name: 'the real one' }

/** Put another method in the place of one; it gets the one before. @returns What undoes it. */
function instead<T, K extends keyof T>(
  prototype: T,
  name: K,
  make: (before: T[K]) => T[K],
): () => void {
  const before = prototype[name]
  prototype[name] = make(before)
  return () => {
    prototype[name] = before
  }
}

/** What an old connection says is obeyed. */
function obeyed(visitor: Visitor<unknown>, bytes: Uint8Array): void {
  const { session } = visitor
  if (visitor.state !== 'closed' || session === undefined || session.state === 'gone') return
  const message = decodeWire(FROM_CLIENT, bytes)
  if (message.kind === 'request') session.request(message)
  if (message.kind === 'bye') session.end({ code: 'bye' })
}

/** What a client hears counts as heard on its newest connection that was there. */
function mistaken(name: 'heard' | 'lost'): () => void {
  const newest = new WeakMap<ClientCore, number>()
  const undo = [
    instead(ClientCore.prototype, 'opened', (before) => {
      return function (this: ClientCore, connection) {
        newest.set(this, connection)
        before.call(this, connection)
      }
    }),
    instead<ClientCore, typeof name>(ClientCore.prototype, name, (before) => {
      return function (this: ClientCore, _connection: number, what: never) {
        before.call(this, newest.get(this) ?? 0, what)
      }
    }),
  ]
  return () => {
    for (const each of undo.reverse()) each()
  }
}

const EARLY_MS = 300
const MUCH = 1e9

export const BROKEN_SESSIONS: readonly SessionVariant[] = [
  {
    name: 'a token that ends with the WELCOME of the next one',
    breakRule: () =>
      instead(SessionTokens.prototype, 'show', (before) => {
        return function (this: SessionTokens, token, attempt) {
          const shown = before.call(this, token, attempt)
          this.confirm()
          return shown
        }
      }),
  },
  {
    name: 'a HELLO that counts however late it comes',
    breakRule: () => {
      let count = 0
      return instead(SessionTokens.prototype, 'show', (before) => {
        return function (this: SessionTokens, token) {
          return before.call(this, token, ++count)
        }
      })
    },
  },
  {
    name: 'the end of an old connection, which detaches the new one',
    breakRule: () =>
      instead(Visitor.prototype, 'lost', (before) => {
        return function (this: Visitor<unknown>) {
          before.call(this)
          this.session?.detach('lost')
        }
      }),
  },
  {
    name: 'an old connection that is heard',
    breakRule: () =>
      instead(Visitor.prototype, 'heard', (before) => {
        return function (this: Visitor<unknown>, bytes) {
          before.call(this, bytes)
          obeyed(this, bytes)
        }
      }),
  },
  {
    name: 'a client that hears an old connection',
    breakRule: () => mistaken('heard'),
  },
  {
    name: 'a client that takes the end of an old connection for that of the new one',
    breakRule: () => mistaken('lost'),
  },
  {
    name: 'an old connection that stays',
    breakRule: () =>
      instead(Visitor.prototype, 'part', (before) => {
        return function (this: Visitor<unknown>, closing) {
          if (closing.code !== 'superseded') before.call(this, closing)
        }
      }),
  },
  {
    name: 'requests that run each time they come',
    breakRule: () =>
      instead(KeptAnswers.prototype, 'take', (before) => {
        return function (this: KeptAnswers, number, isQuiet) {
          const take = before.call(this, number, isQuiet)
          return take === 'runs' || take === 'send' ? 'run' : take
        }
      }),
  },
  {
    name: 'an answer that is forgotten one too early',
    breakRule: () =>
      instead(KeptAnswers.prototype, 'acknowledge', (before) => {
        return function (this: KeptAnswers, upTo, others) {
          const isRight = before.call(this, upTo, others)
          if (isRight) before.call(this, upTo + 1, [])
          return isRight
        }
      }),
  },
  {
    name: 'an answer that is acknowledged before it comes',
    clientSays: (message) =>
      message.kind === 'ack' ? { ...message, answersUpTo: message.answersUpTo + 1 } : message,
  },
  {
    name: 'a WELCOME that does not say what is open',
    gateSays: (message) => (message.kind === 'welcome' ? { ...message, open: [] } : message),
  },
  {
    name: 'a WELCOME that knows a request which has not come',
    gateSays: (message) =>
      message.kind === 'welcome' && message.isResumed === 1
        ? { ...message, requestsUpTo: message.requestsUpTo + 1 }
        : message,
  },
  {
    name: 'a client that does not keep to the rate',
    gateSays: (message) =>
      message.kind === 'welcome' ? { ...message, messagesPerSecond: MUCH } : message,
  },
  {
    name: 'a client that has only the token, and sends as if it were new',
    breakRule: () =>
      instead(Allowance.prototype, 'take', (before) => {
        return function (this: Allowance, count) {
          if (count === 1) before.call(this, count)
        }
      }),
  },
  {
    name: 'answers without a limit',
    limits: { answerBytesMax: MUCH },
  },
  {
    name: 'pushes without a limit',
    limits: { pushesMax: MUCH, pushBytesMax: MUCH },
  },
  {
    name: 'pushes that are not sent again',
    breakRule: () =>
      instead(KeptPushes.prototype, 'rewind', () => {
        return () => {}
      }),
  },
  {
    name: 'pushes that are forgotten when they leave',
    breakRule: () =>
      instead(KeptPushes.prototype, 'next', (before) => {
        return function (this: KeptPushes) {
          const message = before.call(this)
          this.acknowledge(this.upTo)
          return message
        }
      }),
  },
  {
    name: 'a push that replaces those of other keys',
    breakRule: () =>
      instead(KeptPushes.prototype, 'add', (before) => {
        return function (this: KeptPushes, name, body, latest) {
          return before.call(this, name, body, latest === undefined ? undefined : 'any')
        }
      }),
  },
  {
    name: 'sessions that expire too early',
    breakRule: () =>
      instead(ClientSession.prototype, 'expire', (before) => {
        return function (this: ClientSession<unknown>, now) {
          before.call(this, now + EARLY_MS)
        }
      }),
  },
]
