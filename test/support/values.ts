/** Every kind of value, for a node: its errors are those of the package, as services have them. */
import { SkynetError } from 'skynet-ts'
import { VALUES as FOR_THE_CODEC } from '../../src/wire/values.suite.ts'

export { drawing } from '../../src/wire/values.suite.ts'

// What names a service is, for a node, a reference of the package: test/node/references.test.ts.
const { 'names of services': _names, ...ALL } = FOR_THE_CODEC

export const VALUES: typeof FOR_THE_CODEC = {
  ...ALL,
  'a SkynetError': () =>
    new SkynetError('ERR_CALL_DEAD', { to: ':1', method: 'get' }, { cause: new Error('why') }),
}
