/** What the services of this node ask others, and who waits for the answers. */
import { bufferOf } from '../base/bytes.ts'
import { Askers, askerOf } from '../service/askers.ts'
import { scopeNow } from '../service/scope.ts'
import { Asked, type AskedKind } from './asked.ts'
import type { RemoteNodes } from './remote-nodes.ts'
import type { Target } from './request-frames.ts'
import type { SayOften } from './sayings.ts'

/** What questions need of their service. */
export interface QuestionsHost {
  isAlive(handle: number): boolean
  /** Who asks, in a method before its first `await`. */
  context(): { readonly source: number; readonly session: number }
}

interface Question {
  readonly source: number
  readonly asked: Asked
}

const NO_MESSAGE = Buffer.alloc(0)

export class Questions {
  readonly #host: QuestionsHost
  readonly #nodes: RemoteNodes
  readonly #say: SayOften
  readonly #all: Askers<Question>

  constructor(host: QuestionsHost, nodes: RemoteNodes, say: SayOften) {
    this.#host = host
    this.#nodes = nodes
    this.#say = say
    this.#all = new Askers(host, ({ asked }) => {
      nodes.giveUp(asked)
      // Which is dropped: nobody waits for it.
      asked.resolve(NO_MESSAGE)
    })
  }

  request(node: string, target: Target, message: Uint8Array): Promise<Uint8Array> {
    return this.#ask('call', node, target, bufferOf(message))
  }

  async connect(node: string): Promise<void> {
    await this.#ask('connect', node, 0, NO_MESSAGE)
  }

  push(node: string, target: Target, message: Uint8Array): void {
    const end = {
      resolve: (): void => {},
      reject: (error: Error): void => this.#say('lost', `a push is lost: ${error.message}`),
    }
    this.#nodes.ask(new Asked(node, target, bufferOf(message), 'push', undefined, end))
  }

  /** Whoever asked under that session waits no more. */
  giveUp(source: number, session: number): void {
    this.#all.giveUp(source, session)
  }

  #ask(kind: AskedKind, node: string, target: Target, message: Buffer): Promise<Buffer> {
    const context = this.#host.context()
    const name = askerOf(context)
    return new Promise((resolve, reject) => {
      const end = {
        resolve: (answer: Buffer): void => {
          this.#all.delete(name)
          resolve(answer)
        },
        reject: (error: Error): void => {
          this.#all.delete(name)
          reject(error)
        },
      }
      const asked = new Asked(node, target, message, kind, scopeNow()?.trace, end)
      this.#all.add(name, { source: context.source, asked })
      this.#nodes.ask(asked)
    })
  }
}
