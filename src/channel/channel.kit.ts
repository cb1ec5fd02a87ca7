/** A service, its time, and the server that its channels talk to. */
import type { TestContext } from 'node:test'
import type { Skynet } from '../skynet/skynet.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import type { Answer, AnswerReader, AnswerSink, ChunkParser } from './answers.ts'
import { FakePeer } from './fake-peer.kit.ts'

export interface Scene {
  readonly node: TestNode
  readonly skynet: Skynet
  readonly clock: FakeClock
  readonly peer: FakePeer
  /** What every channel is made with. */
  readonly to: { readonly host: string; readonly port: number; readonly open: FakePeer['open'] }
  /** Until nothing is left to do. */
  settled(): Promise<void>
}

export async function scene(t: TestContext): Promise<Scene> {
  const clock = new FakeClock()
  const node = await testNode({ clock })
  t.after(() => node.stop())
  const peer = new FakePeer()
  const to = { host: 'main', port: 1, open: peer.open }
  return { node, skynet: node.skynet, clock, peer, to, settled: () => node.settled() }
}

/** `+text` is an answer, `-text` one that says no, `~text` a part of which more comes. */
export const lineAnswer = (line: string): Answer<string> => {
  const data = line.slice(1)
  if (line.startsWith('-')) return { ok: false, data }
  return line.startsWith('~') ? { ok: true, data, padding: true } : { ok: true, data }
}

export const readLine: AnswerReader<Answer<string>> = async (input) =>
  lineAnswer(await input.readLine())

/** The same as a parser. */
export class LineParser implements ChunkParser {
  readonly #answers: AnswerSink<string>
  #rest = ''

  constructor(answers: AnswerSink<string>) {
    this.#answers = answers
  }

  take(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString()).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      if (line.startsWith('!')) throw new Error(`no answer: ${line}`)
      const answer = lineAnswer(line)
      if (answer.ok) this.#answers.answer(answer.data, answer.padding)
      else this.#answers.failure(answer.data)
    }
  }
}

/** How a promise stands: its error has a code, or a message. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message
  }
}
