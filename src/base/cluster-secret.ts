/** What the secret must be that the nodes of a cluster prove to each other, as errors say it. */
import { CLUSTER_SECRET_BYTES_MIN } from './limits.ts'

const BYTES = `at least ${CLUSTER_SECRET_BYTES_MIN} bytes`

export const CLUSTER_SECRET = `text of ${BYTES} (openssl rand -hex 32)`
