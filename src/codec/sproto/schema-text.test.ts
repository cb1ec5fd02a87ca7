import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../../base/errors.ts'
import { sproto } from './sproto.ts'

/** What `sproto` says about texts that are wrong. */
function refusal(...texts: string[]): { text: number; line: number; reason: string } {
  try {
    sproto(...texts)
  } catch (error) {
    assert.ok(isSkynetError(error, 'ERR_SPROTO_SCHEMA'), String(error))
    return error.info
  }
  assert.fail('it is good')
}

// Proves: docs/sproto.md#grammar
test('a schema that is wrong is told with its line, and what was expected', () => {
  const rows: [text: string, line: number, reason: string][] = [
    ['.A { x 0 integer }', 1, "expected ':', current value is 'integer'"],
    ['.A { x : integer }', 1, "expected a tag in 0..32766, current value is ':'"],
    ['.A {\n\n y 1 ; }', 3, "expected ':', current value is ';'"],
    ['.A {\n x0 : integer }', 2, "expected a tag in 0..32766, current value is ':'"],
    ['.A {\n x 0 : * integer }', 2, "expected a type right behind '*', current value is ' '"],
    ['.A {\n x 0 : integer (2) }', 2, "expected a field, a type that begins with '.', or '}'"],
    ['.A { x 0 : integer(2 }', 1, "expected ')', current value is '}'"],
    ['.A {\n x 0 : integer', 2, "or '}', current value is the end of the text"],
    ['.A', 1, "expected '{', current value is the end of the text"],
    ['.1A {}', 1, "expected the name of a type, current value is '1A'"],
    ['.A {}\nA { x 0 : integer }', 2, 'expected a tag in 0..32766'],
    ['.A { x 32767 : integer }', 1, 'a tag must be in 0..32766, current value is 32767'],
    ['p 32767 {}', 1, 'a tag must be in 0..32766, current value is 32767'],
    ['p 1 {\n reqest A }', 2, "expected 'request', 'response' or '}', current value is 'reqest'"],
    ['.A { x 0 : integer\n x 1 : integer }', 2, 'field x of A is there already'],
    ['.A { x 0 : integer\n y 0 : integer }', 2, 'tag 0 of A is taken'],
    ['.A {}\n.A {}', 2, 'type A is there already'],
    ['p 1 {}\np 2 {}', 2, 'protocol p is there already'],
    ['p 1 {}\nq 1 {}', 2, 'tag 1 of protocol q is the one of p'],
    ['p 1 { request A\n request A } .A {}', 2, 'request of p is there already'],
    ['.A {\n x 0 : B }', 2, 'A.x is a B, and there is no such type'],
    ['\np 1 { request B }', 2, 'the request of p is B, and there is no such type'],
    ['.A {\n x 0 : *B(k) } .B {}', 2, 'B has no field k to be the key of x'],
    ['.A {\n x 0 : *B() } .B { a 0 : integer }', 2, 'B must have two fields for it'],
    ['.A {\n x 0 : *B(b) } .B { b 0 : B }', 2, 'B.b is no key of a map, as it is B'],
    ['.A {\n x 0 : *B(b) } .B { b 0 : binary }', 2, 'as it is binary'],
    ['.A {\n x 0 : *B(b) } .B { b 0 : *integer }', 2, 'as it is *integer'],
    ['.A {\n x 0 : *string(x) }', 2, "A.x is a string, which takes no '(…)'"],
    ['.A {\n x 0 : integer(10) }', 2, 'A.x may have at most 9 digits behind the point'],
  ]
  for (const [text, line, reason] of rows) {
    const info = refusal(text)
    assert.deepEqual([info.text, info.line], [1, line], text)
    assert.ok(info.reason.includes(reason), `${text}: ${info.reason}`)
  }
})

test('an error in one of several texts says in which', () => {
  const error = refusal('.A {}\n', '\n.B { x 0 : C }')
  assert.deepEqual([error.text, error.line], [2, 2])
  assert.throws(() => sproto('', '\n.'), /line 2 of text 2: expected the name of a type/)
})

test('several texts are one schema, whichever comes first', () => {
  const game = sproto('login 1 { request Who }', '.Who { name 0 : string }')
  assert.deepEqual(game.types, ['Who'])
  assert.equal(game.protocol('login').tag, 1)
  assert.deepEqual(game.codec('Who').decode(game.encode('Who', { name: 'x' })), { name: 'x' })
})

test('a name of a type is looked for from the inside out', () => {
  const game = sproto(`
.A { x 0 : integer }
.Outer {
  .A { y 0 : string }
  .Inner { a 0 : A }
  a 0 : A
  inner 1 : Inner
  far 2 : Other.A
}
.Other { .A { z 0 : boolean } }
.Top { a 0 : A }
`)
  const outer = { a: { y: 'y' }, inner: { a: { y: 'yy' } }, far: { z: true } }
  assert.deepEqual(game.decode('Outer', game.encode('Outer', outer)), outer)
  assert.deepEqual(game.decode('Top', game.encode('Top', { a: { x: 1 } })), { a: { x: 1 } })
})

test('types nested 64 deep are good, deeper ones are refused', () => {
  const nested = (depth: number) => '.A{'.repeat(depth) + '}'.repeat(depth)
  assert.equal(sproto(nested(64)).types.length, 64)
  assert.match(refusal(nested(65)).reason, /nested deeper than 64/)
  assert.match(refusal(nested(100_000)).reason, /nested deeper than 64/)
})

test('sproto() refuses what is no text', () => {
  // @ts-expect-error A schema is a text.
  assert.throws(() => sproto('.A {}', 5), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('the size of a schema is no matter', () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `# ${i}\n.T${i} { x 0 : integer }`)
  assert.equal(sproto(lines.join('\n')).types.length, 5000)
})
