/** The side of a process that benchmarks start: answers what child.ts asks. */
import { BroadcastChannel } from 'node:worker_threads'

export interface Request {
  readonly id: number
  readonly name: string
  readonly params: object
}

export interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** What it takes, the asker knows. */
export type Handler = (params: never) => unknown
export type Handlers = Readonly<Record<string, Handler>>

/** Services are on other threads than the one that hears the asker. */
const CHANNEL = 'skynet-ts bench'

async function answer(handlers: Handlers, { id, name, params }: Request): Promise<Answer> {
  try {
    const handler = handlers[name]
    if (handler === undefined) throw new Error(`it does not know '${name}'`)
    return { id, value: await handler(params as never) }
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/**
 * Serve the process that started this one, until it lets go.
 *
 * @param onEnd Runs then; after it the process leaves.
 */
export function serve(handlers: Handlers, onEnd: () => unknown = () => {}): void {
  const all: Handlers = { ready: () => true, ...handlers }
  process.on('message', (request: Request) => {
    void answer(all, request).then((reply) => process.send?.(reply))
  })
  process.on('disconnect', () => {
    void Promise.resolve(onEnd()).then(() => process.exit(0))
  })
}

/** Serve on behalf of a service: what `inService` asks for in the same process. */
export function serveFromService(handlers: Handlers): void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.onmessage = (event) => {
    const request = (event as { data: Request | Answer }).data
    if (!('name' in request)) return
    void answer(handlers, request).then((reply) => channel.postMessage(reply))
  }
}

/** @returns Asks the service that serves in this process. */
export function inService(): (name: string, params: object) => Promise<unknown> {
  const channel = new BroadcastChannel(CHANNEL)
  const waiting = new Map<number, (answer: Answer) => void>()
  let lastId = 0
  channel.onmessage = (event) => {
    const reply = (event as { data: Request | Answer }).data
    if (!('name' in reply)) waiting.get(reply.id)?.(reply)
  }
  return (name, params) =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      waiting.set(id, ({ value, error }) => {
        waiting.delete(id)
        if (error === undefined) resolve(value)
        else reject(new Error(error))
      })
      channel.postMessage({ id, name, params } satisfies Request)
    })
}
