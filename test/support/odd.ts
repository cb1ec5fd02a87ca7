/** Values that throw when they are looked at, or have nothing to be looked at. */
import assert from 'node:assert/strict'

function trap(): never {
  throw new Error('a trap of the test')
}

function revoked(of: object): unknown {
  const { proxy, revoke } = Proxy.revocable(of, {})
  revoke()
  return proxy
}

/** By what they are; made anew for each use. */
export const ODD: Readonly<Record<string, () => unknown>> = {
  'a revoked Proxy': () => revoked({}),
  'a revoked Proxy of an array': () => revoked([]),
  'a Proxy that throws': () => new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap }),
  'an object without a prototype': () => Object.assign(Object.create(null), { odd: 1 }),
  'an object whose toString throws': () => ({ toString: trap, [Symbol.toPrimitive]: trap, odd: 1 }),
  'an object of a class whose name throws': () =>
    Object.assign(
      Object.create({ constructor: Object.defineProperty(() => {}, 'name', { get: trap }) }),
      { odd: 1 },
    ),
  'a symbol': () => Symbol('odd'),
}

/** Each odd value is refused: by an error of ours, which says what cannot be done, with a code. */
export async function assertRefusesOdd(
  door: string,
  call: (value: never) => unknown,
): Promise<void> {
  for (const [kind, make] of Object.entries(ODD)) {
    const value = make()
    await assert.rejects(
      async () => call(value as never),
      (error: Error & { code?: unknown }) => {
        assert.match(String(error.code), /^ERR_/, `${door} with ${kind}: ${error.stack}`)
        return true
      },
      `${door} takes ${kind}`,
    )
  }
}
