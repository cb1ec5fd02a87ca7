import { test } from 'node:test'
import { talkAll } from '../support/chat-load.ts'

test('chat: 1,000 clients in 50 rooms hear every line once, in order per sender', (t) =>
  talkAll(t, { rooms: 50, members: 20, lines: 25 }))
