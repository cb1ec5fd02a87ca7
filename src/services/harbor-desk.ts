/** Answers nodes of Skynet where the master of their harbors is a node of ours: docs/harbor.md. */
import { datacenterDesk, serviceDesk } from '../harbor/desk.ts'
import { defineService } from '../skynet/define-service.ts'

export default defineService((skynet, what: 'SERVICE' | 'DATACENTER') =>
  what === 'SERVICE' ? serviceDesk() : datacenterDesk(skynet),
)
