import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Witness } from './witness.ts'

function scene() {
  const asked: { answer(): Promise<void>; fail(): Promise<void> }[] = []
  const echoes: string[] = []
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const witness = new Witness({
    agree: () =>
      new Promise<void>((resolve, reject) => {
        asked.push({
          answer: () => {
            resolve()
            return settled()
          },
          fail: () => {
            reject(new Error('no answer'))
            return settled()
          },
        })
      }),
    echo: (bytes) => echoes.push(Buffer.from(bytes).toString()),
  })
  const sent = (text: string): void => witness.sent(Buffer.from(text))
  const back = (text: string): boolean => witness.back(Buffer.from(text))
  return { witness, asked, echoes, sent, back }
}

test('a beat that came back counts when something was written behind it', async () => {
  const { asked, echoes, sent, back } = scene()
  sent('1')
  assert.equal(back('1'), true)
  assert.deepEqual(echoes, [])
  await asked[0]!.answer()
  assert.deepEqual(echoes, ['1'])
  sent('2')
  await asked[1]!.answer()
  assert.deepEqual(echoes, ['1'], 'not before it came back')
  back('2')
  assert.deepEqual(echoes, ['1', '2'])
})

test('it counts when all peers were heard behind it, while nothing can be written', async () => {
  const { witness, asked, echoes, sent, back } = scene()
  for (const peer of ['b', 'c']) witness.known(peer)
  sent('1')
  back('1')
  await asked[0]!.fail()
  witness.heard('b')
  witness.heard('stranger')
  assert.deepEqual(echoes, [])
  witness.heard('c')
  assert.deepEqual(echoes, ['1'])
  sent('2')
  back('2')
  witness.heard('b')
  assert.deepEqual(echoes, ['1'], 'c was heard before it')
  witness.gone('c')
  assert.deepEqual(echoes, ['1', '2'])
})

test('alone it needs the servers; one question at a time', async () => {
  const { witness, asked, echoes, sent, back } = scene()
  witness.known('b')
  witness.gone('b')
  for (const text of ['1', '2', '3']) {
    sent(text)
    back(text)
  }
  assert.equal(asked.length, 1)
  await asked[0]!.answer()
  assert.deepEqual(echoes, ['1'], 'it was written behind the first')
  sent('4')
  back('4')
  await asked[1]!.answer()
  assert.deepEqual(echoes, ['1', '2', '3', '4'])
})

test('a beat of another process of our name is none of ours', () => {
  const { sent, back } = scene()
  sent('1')
  assert.equal(back('other'), false)
})

test('what is lost by a cut, or is too old, does not count', async () => {
  const { witness, asked, echoes, sent, back } = scene()
  sent('1')
  witness.cut()
  assert.equal(back('1'), false)
  for (let i = 2; i < 40; i++) sent(`${i}`)
  assert.equal(back('3'), false)
  assert.equal(back('39'), true)
  assert.equal(back('38'), false, 'it was overtaken')
  await asked[0]!.answer()
  assert.deepEqual(echoes, [])
})
