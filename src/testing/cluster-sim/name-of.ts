import type { PeerAddress } from '../../cluster/core/transport.ts'

/** A node at one epoch, as a key and in traces. */
export const nameOf = ({ node, epoch }: PeerAddress): string => `${node}#${epoch}`
