import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Deadlines } from './deadlines.ts'

const ITEMS = 20

/** What it must do, said plainly. */
class Plain {
  readonly at = new Map<number, number>()

  next(): number | undefined {
    return this.at.size === 0 ? undefined : Math.min(...this.at.values())
  }
}

type Step =
  | { readonly kind: 'set'; readonly item: number; readonly delayMs: number }
  | { readonly kind: 'clear'; readonly item: number }
  | { readonly kind: 'take'; readonly ms: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('set' as const),
      item: fc.nat(ITEMS),
      delayMs: fc.nat(50),
    }),
    fc.record({ kind: fc.constant('clear' as const), item: fc.nat(ITEMS) }),
    fc.record({ kind: fc.constant('take' as const), ms: fc.nat(20) }),
  ),
  { maxLength: 100 },
)

test('Deadlines gives what is due, the earliest first, and nothing that was cleared', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const deadlines = new Deadlines<number>()
      const plain = new Plain()
      let now = 0
      for (const step of all) {
        if (step.kind === 'set') {
          deadlines.set(step.item, step.delayMs, now)
          plain.at.set(step.item, now + step.delayMs)
        } else if (step.kind === 'clear') {
          deadlines.clear(step.item)
          plain.at.delete(step.item)
        } else {
          now += step.ms
          const due = plain.next()
          const taken = deadlines.take(now)
          assert.equal(taken !== undefined, due !== undefined && due <= now)
          if (taken === undefined) continue
          assert.equal(plain.at.get(taken), due)
          plain.at.delete(taken)
        }
        assert.equal(deadlines.next(), plain.next())
        assert.equal(deadlines.size, plain.at.size)
      }
    }),
  )
})

// Proves: docs/semantics.md#idle
test('Deadlines of many different delays leave nothing behind', () => {
  const deadlines = new Deadlines<number>()
  for (let i = 0; i < 100_000; i++) deadlines.set(i % 3, 1 + i, i)
  assert.equal(deadlines.size, 3)
  for (let item = 0; item < 3; item++) deadlines.clear(item)
  assert.equal(deadlines.size, 0)
  assert.equal(deadlines.next(), undefined)
  assert.equal(deadlines.take(Number.POSITIVE_INFINITY), undefined)
})
