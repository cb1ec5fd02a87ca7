import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guessMethod, wrongMethods } from './methods.ts'

class Bank {
  sum = 0
  take(): number {
    return this.sum
  }
}

test('wrongMethods() takes nothing, objects with a method, and what is left open', () => {
  class Savings extends Bank {}
  class Book extends Map<string, number> {
    read(): void {}
  }
  class Empty {}
  const bare = Object.assign(Object.create(null), { hi() {} })
  const lazy = {
    get hi(): unknown {
      throw new Error('is not asked')
    },
  }
  const fine: unknown[] = [undefined, null, {}, { hi() {} }, { a: 5, hi() {} }, bare, lazy]
  fine.push(new Bank(), new Savings(), new Book(), new Empty(), Object.create({ hi() {} }))
  fine.push(
    Object.assign(new Map(), { hi() {} }),
    Object.assign(() => {}, { hi() {} }),
  )
  fine.push(new Proxy({}, { get: () => () => {} }))
  for (const each of fine) assert.equal(wrongMethods(each), undefined)
})

test('wrongMethods() says what a setup returned that has no method', () => {
  class Fields {
    sum = 5
  }
  const cases: [unknown, string][] = [
    [5, '5'],
    ['x', '"x"'],
    [true, 'true'],
    [[1], 'an object (Array)'],
    [new Map(), 'an object (Map)'],
    [new Date(), 'an object (Date)'],
    [new Uint8Array(2), 'an object (Uint8Array)'],
    [() => {}, 'a function'],
    [class {}, 'a function'],
    [{ a: 5 }, `an object (Object) whose 'a' is 5`],
    [new Fields(), `an object (Fields) whose 'sum' is 5`],
    [{ toString: () => 'x' }, `an object (Object) whose 'toString' is a function`],
  ]
  for (const [given, told] of cases) {
    const expected = `setup must return an object of methods, or nothing: current value is ${told}`
    assert.equal(wrongMethods(given), expected)
  }
})

test('guessMethod() names the method that was meant, and looks at a bounded number', () => {
  assert.equal(guessMethod(new Bank(), 'tkae'), ` (did you mean 'take'?)`)
  assert.equal(guessMethod(new Bank(), 'sun'), '')
  assert.equal(guessMethod({}, 'take'), '')
  assert.equal(guessMethod({ take() {} }, 'x'.repeat(1000)), '')
  const names = Array.from({ length: 10_000 }, (_, i) => `method${i}`)
  let asked = 0
  const many = Object.fromEntries(names.map((name) => [name, () => {}]))
  const counted = Object.create(many, {})
  for (const name of names) Object.defineProperty(many, name, { get: () => asked++ })
  assert.match(guessMethod(counted, 'metod1'), /did you mean 'method1'/)
  assert.equal(guessMethod(counted, 'metod9999'), '')
  assert.equal(asked, 0)
})
