/** Connects this node with the harbors of others, also those of Skynet itself: docs/harbor.md. */
import type { HarborOptions } from '../harbor/harbor-options.ts'
import { harborService } from '../harbor/harbor-service.ts'
import { defineService } from '../skynet/define-service.ts'

export default defineService((skynet, options: HarborOptions) => harborService(skynet, options))
