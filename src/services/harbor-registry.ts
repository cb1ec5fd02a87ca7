/** Numbers and names of the harbors of a cluster, one in the whole cluster: docs/harbor.md. */
import { harborRegistry } from '../harbor/registry.ts'
import { defineService } from '../skynet/define-service.ts'

export default defineService((skynet) => harborRegistry(skynet))
