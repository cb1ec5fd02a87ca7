import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Packer } from '../wire/pack.ts'
import { unpack } from '../wire/unpack.ts'
import { ProgramDesk } from './program-desk.ts'

const packer = new Packer()
const pack = (value: unknown): Uint8Array => {
  const size = packer.pack(value)
  return Uint8Array.from(packer.bytes.subarray(0, size))
}

/** A desk whose proxy answers what it was asked, and is launched when the test says so. */
function setUp() {
  const seen: string[] = []
  const answers: [token: number, isGood: boolean, value: unknown][] = []
  const proxy = {
    hasEnded: false,
    runtime: {
      handleOf: (address: unknown) => (address === '.none' ? 0 : 7),
      knownHandle(address: unknown) {
        if (address === '.none') throw new Error('nobody has it')
        return 7
      },
    },
    callMethod(to: number, [method]: unknown[], { signal }: { signal?: AbortSignal }) {
      seen.push(`call ${method} of ${to}`)
      if (method === 'fail') return Promise.reject(new Error('it failed'))
      if (method !== 'never') return Promise.resolve(method)
      return new Promise((_, reject) => {
        signal!.addEventListener('abort', () => reject(new Error('given up')))
      })
    },
    sendMethod: (to: number, [method]: unknown[]) => {
      seen.push(`send ${method} to ${to}`)
      return method !== 'dead'
    },
  }
  const launches: ((error?: Error) => void)[] = []
  const desk = new ProgramDesk({
    launch: () =>
      new Promise((resolve, reject) =>
        launches.push((error) => (error === undefined ? resolve(proxy as never) : reject(error))),
      ),
    pack,
    report(report) {
      assert.ok(report.kind === 'answered')
      const bytes = Buffer.from(report.value)
      answers.push([report.token, report.isGood, unpack(bytes, 0, bytes.length)])
    },
    complain: (text) => seen.push(text),
  })
  const ask = (token: number, method: string, to = '.a'): void =>
    desk.ask({ kind: 'ask', token, to, message: pack([method]), timeoutMs: undefined })
  return { desk, ask, seen, answers, launches, proxy }
}

const turn = () => new Promise(setImmediate)

test('ProgramDesk launches its service once, and goes on in the order of the asks', async () => {
  const { ask, seen, answers, launches } = setUp()
  ask(1, 'a')
  ask(0, 'b')
  ask(2, 'c')
  await turn()
  assert.deepEqual(seen, [])
  launches[0]!()
  await turn()
  ask(3, 'd')
  await turn()
  assert.deepEqual(seen, ['call a of 7', 'send b to 7', 'call c of 7', 'call d of 7'])
  assert.deepEqual(
    answers.map(([token, , value]) => [token, value]),
    [
      [1, 'a'],
      [2, 'c'],
      [3, 'd'],
    ],
  )
  assert.equal(launches.length, 1)
})

test('ProgramDesk answers also what fails, and says which sends nobody gets', async () => {
  const { ask, seen, answers, launches } = setUp()
  ask(1, 'fail')
  launches[0]!()
  await turn()
  ask(2, 'x', '.none')
  ask(0, 'x', '.none')
  ask(0, 'dead')
  await turn()
  assert.deepEqual(
    answers.map(([token, isGood, value]) => [token, isGood, (value as Error).message]),
    [
      [1, false, 'it failed'],
      [2, false, 'nobody has it'],
    ],
  )
  assert.deepEqual(seen.slice(1), [
    'Cannot send x to .none: there is no such service',
    'send dead to 7',
    'Cannot send dead to .a: there is no such service',
  ])
})

test('ProgramDesk ends the call that the program has given up', async () => {
  const { desk, ask, answers, launches } = setUp()
  ask(1, 'never')
  launches[0]!()
  await turn()
  desk.giveUp(1)
  desk.giveUp(5)
  await turn()
  assert.equal(answers.length, 1)
  assert.equal((answers[0]![2] as Error).message, 'given up')
})

test('ProgramDesk tries again when its service could not be launched, or has ended', async () => {
  const { ask, seen, answers, launches, proxy } = setUp()
  ask(1, 'a')
  ask(0, 'b')
  launches[0]!(new Error('no handle is left'))
  await turn()
  assert.equal((answers[0]![2] as Error).message, 'no handle is left')
  assert.match(seen[0]!, /Cannot send to \.a: .*no handle is left/)
  ask(2, 'c')
  launches[1]!()
  await turn()
  proxy.hasEnded = true
  ask(3, 'd')
  await turn()
  assert.equal(launches.length, 3)
  launches[2]!()
  await turn()
  assert.deepEqual(seen.slice(1), ['call c of 7', 'call d of 7'])
})
