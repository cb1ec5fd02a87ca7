import assert from 'node:assert/strict'
import { test } from 'node:test'
import { posixOs } from '../../os/posix.ts'
import type { SocketClient } from '../client/client.ts'
import { EVENT } from '../event.ts'
import { OwnEvents } from './own-events.ts'
import { OwnMemory } from './own-memory.ts'

test('take() gives what was told, and answers a socket that moves before what comes after', (t) => {
  const memory = new OwnMemory(posixOs())
  t.after(() => memory.close())
  const { link } = memory
  const handed: unknown[][] = []
  const client = {
    handover: (...args: unknown[]) => handed.push(args),
  } as unknown as SocketClient
  const events = new OwnEvents(link, client)
  link.emit(EVENT.DATA, 1, 7, 0, Buffer.from('old'))
  link.emit(EVENT.YIELD, 1, 7, 3)
  const taken = events.take(() => link.emit(EVENT.OPEN, 2, 7, 0, Buffer.from('transfer')))
  assert.deepEqual(handed, [[7, new Uint8Array(0), 3]])
  assert.deepEqual(taken, [
    { type: 'data', id: 7, owner: 1, data: Buffer.from('old') },
    { type: 'open', id: 7, owner: 2, text: 'transfer', port: 0 },
  ])
  assert.deepEqual(
    events.take(() => assert.fail('nothing was ordered')),
    [],
  )
})
