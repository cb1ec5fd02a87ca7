/** In little, and so among the short tests; the same at large is in test/long. */
import { test } from 'node:test'
import { talkAll } from '../support/chat-load.ts'
import { comeAndGo } from '../support/chat-visits.ts'

test('chat: 100 clients in 5 rooms hear every line once, in order per sender', (t) =>
  talkAll(t, { rooms: 5, members: 20, lines: 20 }))

test('chat: 500 connects and disconnects, half by RST, leave nothing behind', (t) =>
  comeAndGo(t, 500))
