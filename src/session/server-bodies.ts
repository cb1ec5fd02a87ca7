/** The codec of a protocol at this end. */
import { bodiesOf, type MessageBodies } from '../client/bodies.ts'
import type { ClientProtocol } from '../client/client-protocol.ts'
import { json } from '../codec/json.ts'

/** JSON of ours: what a client sends is looked at closely. */
const JSON_BODIES = bodiesOf(json())

export const serverBodies = ({ bodies = JSON_BODIES }: ClientProtocol): MessageBodies => bodies
