/** One service under test, in a node of its own. */
import type { AnyService, MethodsOf } from '../service/definition.ts'
import type { LaunchOptions, LaunchRest } from '../service/launch.ts'
import type { CallOf, SendOf } from '../service/ref.ts'
import type { SentMessage } from './recording-router.ts'
import { type TestNode, type TestNodeOptions, testNode } from './test-node.ts'

export type TestServiceOptions<S> = TestNodeOptions & NonNullable<LaunchRest<S>[0]>

export interface TestService<S> extends AsyncDisposable {
  readonly handle: number
  /** Its methods, typed, as the test calls them. */
  readonly call: CallOf<MethodsOf<S>>
  readonly send: SendOf<MethodsOf<S>>
  /** What it has called and sent so far, in order. */
  readonly sent: readonly SentMessage[]
  /** The node it lives in. */
  readonly node: TestNode
}

/**
 * Launch a service in a node of its own, in this thread.
 *
 * @param rest As for `newService` and `testNode`: `args`, `peers`, `clock`, `seed`, …
 * @throws As `newService`. Nothing is left then.
 */
export async function testService<S extends AnyService>(
  definition: S,
  ...rest: [] extends LaunchRest<S> ? [options?: TestServiceOptions<S>] : [TestServiceOptions<S>]
): Promise<TestService<S>> {
  const { args, timeoutMs, signal, ...options } = (rest[0] ?? {}) as TestNodeOptions &
    LaunchOptions<readonly unknown[]>
  const node = await testNode(options)
  try {
    const launch = { ...(args && { args }), timeoutMs, signal } as LaunchRest<S>[0]
    const { handle, call, send } = await node.launch(definition, ...([launch] as LaunchRest<S>))
    return {
      handle,
      call,
      send,
      get sent() {
        return node.sent.all.filter(({ from }) => from === handle)
      },
      node,
      [Symbol.asyncDispose]: () => node.stop(),
    }
  } catch (error) {
    await node.stop()
    throw error
  }
}
