import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LinkSession } from './session.ts'

test('begin() never takes the number before, and never 0', () => {
  const session = new LinkSession()
  for (const random of [0, 1, 0.5, 0.5, 0, 0, 1 - 2 ** -32, 1 - 2 ** -32]) {
    const before = session.mine
    session.begin(random, undefined, 0)
    assert.notEqual(session.mine, before)
    assert.ok(session.mine > 0 && session.mine <= 0xffffffff)
  }
})

test('two sides agree, whatever of their greetings is lost or comes twice', () => {
  // Each bit says of a greeting whether it comes; then all come.
  for (let bits = 0; bits < 1 << 10; bits++) {
    const sides = [new LinkSession(), new LinkSession()] as const
    sides.forEach((side, i) => {
      side.begin((i + 1) / 7, undefined, 0)
    })
    for (let round = 0; round < 16; round++) {
      const from = sides[round & 1]!
      const to = sides[1 - (round & 1)]!
      if (round < 10 && (bits & (1 << round)) === 0) continue
      const greeting = to.meet(from.mine, from.theirs)
      if (greeting === 'answer' || greeting === 'open') to.theirs = from.mine
      if (greeting === 'open') to.open()
    }
    assert.deepEqual([sides[0].state, sides[1].state], ['open', 'open'], `${bits}`)
    assert.ok(sides[0].has(sides[1].mine, sides[0].mine))
  }
})
