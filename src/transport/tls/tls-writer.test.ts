import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { WaitFor } from '../../service/wait.ts'
import { TlsWriter, type TlsWriterHost } from './tls-writer.ts'

const LIMIT = 1000

/** A writer above a stream whose peer reads nothing. */
function rig() {
  const below = { bufferedAmount: 0 }
  let overflows = 0
  const life: TlsWriterHost = {
    id: 1,
    error: undefined,
    pool: { sendLimitBytes: LIMIT } as TlsWriterHost['pool'],
    isOpen: true,
    below,
    failure: new Error('over'),
    wait: () => ({}) as WaitFor,
    overflow: () => {
      overflows++
    },
  }
  const socket = {
    write(bytes: Uint8Array) {
      below.bufferedAmount += bytes.length
    },
  } as unknown as TLSSocket
  return { writer: new TlsWriter(life, socket), below, overflows: () => overflows }
}

const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

test('bufferedAmount counts what is under way once, and the limit is met at its edge', async () => {
  const { writer, below, overflows } = rig()
  writer.write('x'.repeat(600))
  assert.equal(writer.bufferedAmount, 600)
  await turn()
  assert.equal(below.bufferedAmount, 600)
  assert.equal(writer.bufferedAmount, 600)
  writer.write('x'.repeat(LIMIT - 600))
  assert.equal(writer.bufferedAmount, LIMIT)
  assert.equal(overflows(), 0)
  writer.write('x')
  assert.equal(overflows(), 1)
})
