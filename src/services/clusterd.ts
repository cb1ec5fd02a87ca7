/** Skynet's `clusterd`: connections of this node to others: docs/skynet-cluster.md. */

import { defineService } from '../skynet/define-service.ts'
import { clusterd } from '../skynet-cluster/clusterd.ts'

export default defineService((skynet) => clusterd(skynet))
