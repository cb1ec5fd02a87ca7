/** One service under test, in a node of its own. */
import { checkOptions } from '../base/check.ts'
import { LAUNCH_KEYS, type LaunchOptions, type LaunchRest } from '../launch/options.ts'
import type { AnyService, MethodsOf } from '../modules/definition.ts'
import type { CallOf, SendOf } from '../service/ref.ts'
import type { SentMessage } from './recording-router.ts'
import { NODE_OPTIONS, nodeFor, type TestNode, type TestNodeOptions } from './test-node.ts'

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
 * @throws As `newService` and `testNode`. Nothing is left then.
 */
export async function testService<S extends AnyService>(
  definition: S,
  ...rest: [] extends LaunchRest<S> ? [options?: TestServiceOptions<S>] : [TestServiceOptions<S>]
): Promise<TestService<S>> {
  const [given = {}] = rest
  checkOptions('test a service', 'options', given, [...LAUNCH_KEYS, ...NODE_OPTIONS])
  const { clock, seed, env, peers, base, messagesMax, ...launch } = given as TestNodeOptions &
    LaunchOptions<readonly unknown[]>
  const options = { clock, seed, env, peers, base, messagesMax } as TestNodeOptions
  const node = await nodeFor(options, definition)
  try {
    const { handle, call, send } = await node.launch(
      definition,
      ...([launch] as unknown as LaunchRest<S>),
    )
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
