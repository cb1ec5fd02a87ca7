/** Variables of the node, which every worker sees. */
import { checkString, checkText, refusal } from '../base/check.ts'
import type { Env, EnvValue } from '../kernel/env.ts'

export function getenv(env: Env, key: string): EnvValue | undefined {
  checkString('read a variable', 'key', key)
  return env.get(key)
}

/** @throws {SkynetError} `ERR_ENV_TAKEN`, `ERR_ENV_LIMIT`. */
export function setenv(env: Env, key: string, value: EnvValue): void {
  checkText('set a variable', 'key', key)
  const isOdd = typeof value === 'number' && !Number.isFinite(value)
  if (isOdd || !['string', 'number', 'boolean'].includes(typeof value)) {
    const expected = 'a string, a finite number or a boolean'
    throw refusal(isOdd ? 'range' : 'type', 'set a variable', 'value', expected, value)
  }
  env.set(key, value)
}
