/** The manager of unique services goes with its worker, and is launched again: who asks waits. */
import assert from 'node:assert/strict'
import type victim from '../fixtures/victim.ts'
import { serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

// Proves: docs/semantics.md#unique-manager
serviceTest(
  import.meta.url,
  'who asks for a unique service while there is no manager waits for the next one',
  async (skynet) => {
    const path = '../fixtures/subject.ts'
    const { handle } = await skynet.uniqueService(path, { on: 1 })
    const manager = skynet.localName('.service')!
    const home = (await skynet.debug.services()).find((row) => row.handle === manager)!.worker
    assert.notEqual(home, skynet.worker)
    const { send } = await skynet.newService<typeof victim>('../fixtures/victim.ts', { on: home })
    send.endWorker()
    await until('there is no manager', () => skynet.localName('.service') === undefined)
    const abort = new AbortController()
    const all = [
      skynet.uniqueService(path).then((found) => found.handle),
      skynet.queryService(path, { timeoutMs: 60_000 }).then((found) => found.handle),
      skynet.datacenter.get('nothing'),
      skynet.uniqueService(path, { signal: abort.signal }).catch(({ code }) => code as string),
    ]
    const rows = skynet.tasks().filter(({ kind }) => kind === 'wait')
    assert.equal(rows.length, all.length)
    assert.match(rows[0]!.what, /^the manager, for launch of .*subject\.[jt]s$/)
    abort.abort()
    assert.deepEqual(await Promise.all(all), [handle, handle, undefined, 'ABORT_ERR'])
    assert.notEqual(skynet.localName('.service'), manager)
  },
  { thread: 2 },
  1,
)
