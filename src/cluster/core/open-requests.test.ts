import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OpenRequests } from './open-requests.ts'

const key = fc.record({ source: fc.nat(3), session: fc.integer({ min: 1, max: 40 }) })
const action = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key, deadline: fc.nat(100) }),
  fc.record({ do: fc.constant('take' as const), key }),
  fc.record({ do: fc.constant('move' as const), key }),
  fc.record({ do: fc.constant('expire' as const), now: fc.nat(100) }),
  fc.record({ do: fc.constant('clear' as const) }),
)

test('OpenRequests behaves as a Map does whose entries expire', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 300 }), (actions) => {
      const table = new OpenRequests()
      const map = new Map<string, { deadline: number; batch: number }>()
      const gone: string[] = []
      const expected: string[] = []
      const each = (source: number, session: number, batch: number): void => {
        gone.push(`${source}:${session} ${batch}`)
      }
      const end = (isOver: (deadline: number) => boolean): void => {
        for (const [id, { deadline, batch }] of map) {
          if (!isOver(deadline)) continue
          map.delete(id)
          expected.push(`${id} ${batch}`)
        }
      }
      for (const [i, step] of actions.entries()) {
        if (step.do === 'expire') {
          table.expire(step.now, each)
          end((deadline) => deadline <= step.now)
          continue
        }
        if (step.do === 'clear') {
          table.clear(each)
          end(() => true)
          continue
        }
        const { source, session } = step.key
        const id = `${source}:${session}`
        const known = map.get(id)
        if (step.do === 'take') assert.equal(table.take(source, session), map.delete(id))
        else if (step.do === 'move') {
          table.move(source, session, -i)
          if (known !== undefined) known.batch = -i
        } else {
          table.add(source, session, step.deadline, i)
          map.set(id, { deadline: step.deadline, batch: i })
        }
      }
      assert.equal(table.size, map.size)
      assert.deepEqual(gone.sort(), expected.sort())
      for (const id of map.keys()) {
        const [source, session] = id.split(':').map(Number)
        assert.ok(table.take(source!, session!))
      }
      assert.equal(table.size, 0)
    }),
    { numRuns: 300 },
  )
})

test('sessions beyond 32 bits are told apart', () => {
  const table = new OpenRequests()
  for (let i = 1; i <= 5000; i++) table.add(1, i * 2 ** 32, 1, 0)
  assert.equal(table.take(1, 7), false)
  for (let i = 1; i <= 5000; i++) assert.ok(table.take(1, i * 2 ** 32))
})

test('who is told of an end may add and take', () => {
  const table = new OpenRequests()
  for (let session = 1; session <= 100; session++) table.add(1, session, session, 0)
  let count = 0
  table.expire(50, (source, session) => {
    count++
    table.add(source, session, 1000, 0)
    table.take(source, 100 - session)
  })
  assert.equal(count, 50)
  table.clear(() => count++)
  assert.equal(table.size, 0)
})
