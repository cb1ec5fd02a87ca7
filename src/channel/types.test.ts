/** What the compiler knows of channels, and what it refuses. Nothing of it is asked at run time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Skynet } from '../skynet/skynet.ts'
import type { AnswerSink, DataOf, SessionSink } from './answers.ts'
import { socketChannel } from './make.ts'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_is: Equal<A, B>): void => {}

declare const skynet: Skynet
const to = { host: 'main', port: 1 }
const nothing = { take(): void {} }

async function inOrder(): Promise<void> {
  const channel = socketChannel(skynet, {
    ...to,
    backup: ['other', { host: 'third', port: 3 }],
    async auth(own) {
      same<typeof text, string>(true)
      const text = await own.request('x', async (input) => ({
        ok: true,
        data: await input.readLine(),
      }))
      // @ts-expect-error nothing is closed there
      own.close()
    },
  })
  const length = await channel.request('x', async (input) => ({
    ok: true,
    data: (await input.read(4)).readUInt32BE(),
  }))
  same<typeof length, number>(true)
  const either = await channel.request('x', async (input) => {
    const line = await input.readLine()
    return line === '' ? { ok: false, data: 'no' } : { ok: true, data: { line } }
  })
  same<typeof either, { line: string }>(true)
  const parts = await channel.request(['x', Buffer.from('y')], async (input) => {
    const line = await input.readLine()
    return { ok: true, data: line, padding: line === '' }
  })
  same<typeof parts, string[]>(true)
  const mixed = await channel.response(async (input) =>
    (await input.readLine()) === ''
      ? { ok: true, data: 1 }
      : { ok: true, data: 2, padding: true as boolean },
  )
  same<typeof mixed, number | number[]>(true)
  // @ts-expect-error an answer says whether it is one
  channel.request('x', async () => ({ data: 1 }))
  // @ts-expect-error a request has a reader
  channel.request('x')
  // @ts-expect-error a number cannot be written
  channel.request(5, async () => ({ ok: true, data: 1 }))
  // @ts-expect-error there is no such option
  channel.request('x', async () => ({ ok: true, data: 1 }), { timeout: 5 })
}

async function bySession(): Promise<void> {
  const channel = socketChannel(skynet, {
    ...to,
    async response(input) {
      const [session, data] = (await input.readLine()).split(' ')
      return { session: Number(session), ok: true, data: data! }
    },
  })
  const text = await channel.request('7 x', 7)
  same<typeof text, string>(true)
  // @ts-expect-error sessions are numbers
  channel.request('7 x', '7')
  // @ts-expect-error a request has a session
  channel.request('7 x')
  // @ts-expect-error an answer has a session
  socketChannel(skynet, { ...to, response: async () => ({ ok: true, data: 1 }) })
  const parsed = socketChannel(skynet, {
    ...to,
    sessionParser: (answers: SessionSink<bigint, Buffer>) => {
      answers.answer(1n, Buffer.alloc(1))
      return nothing
    },
  })
  const bytes = await parsed.response(1n)
  same<typeof bytes, Buffer>(true)
}

async function byParser(): Promise<void> {
  const channel = socketChannel(skynet, {
    ...to,
    parser: (_answers: AnswerSink<Date>) => nothing,
    auth: async (own) => same<Date, Awaited<ReturnType<typeof own.request>>>(true),
  })
  const date = await channel.request('x', { timeoutMs: 5 })
  same<typeof date, Date>(true)
  // @ts-expect-error answers are found by the parser
  channel.request('x', async () => ({ ok: true, data: 1 }))
  // @ts-expect-error there is no such option
  socketChannel(skynet, { ...to, parser: () => nothing, prot: 5 })
  // @ts-expect-error a parser takes chunks
  socketChannel(skynet, { ...to, parser: () => ({}) })
}

test('types of answers follow from readers, sessions and parsers', () => {
  same<DataOf<{ ok: false; data: string }>, never>(true)
  assert.equal([inOrder, bySession, byParser].length, 3)
})
