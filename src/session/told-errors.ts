/** Which errors clients are told, and in which words: a closed list. */
import { isA } from '../base/check.ts'
import { isSkynetError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import type { ToldFailure } from './agent-messages.ts'
import { ClientFault } from './client-fault.ts'

/** Errors by code, and what a client reads of them: nothing of the inside of a node. */
const TOLD = {
  ERR_CALL_DEAD: 'Who should answer has ended',
  ERR_CALL_TIMEOUT: 'Nobody has answered in time',
  ERR_NODE_LOST: 'Who should answer is out of reach',
  ERR_LINK_FULL: 'Too much waits for who should answer',
  ERR_MAILBOX_FULL: 'Too much waits for who should answer',
} as const

/** Of every other error. */
export const HANDLER_FAILED: ToldFailure = ['ERR_HANDLER', 'The server has failed to answer']
/** Of a session that is over, or somebody else's by now. */
export const NOBODY_SERVES: ToldFailure = ['ERR_CALL_DEAD', TOLD.ERR_CALL_DEAD]

/** What a client is told of an error; undefined: nothing, it is none of the list. */
export function toldOf(error: unknown): ToldFailure | undefined {
  if (isA(error, ClientFault)) return [error.code, error.message]
  for (const [code, text] of Object.entries(TOLD)) {
    if (isSkynetError(error, code as keyof typeof TOLD)) return [code, text]
  }
  return undefined
}

/**
 * What a client is told of its own message: what is wrong with it, and where. What a codec or a
 * validator throws besides is of the inside.
 */
export const badMessage = (error: unknown): ToldFailure => [
  isSkynetError(error, 'ERR_CODEC') ? 'ERR_CODEC' : 'ERR_MESSAGE_INVALID',
  isSkynetError(error) ? messageOf(error) : 'The message cannot be read',
]

/** A peer has said it: so much is enough to find it. */
const SHOWN_NAME_MAX = 64

/** There is no such call in the protocol. */
export const unknownCall = (name: string): ToldFailure => [
  'ERR_METHOD_UNKNOWN',
  `There is no call '${name.slice(0, SHOWN_NAME_MAX)}'`,
]
