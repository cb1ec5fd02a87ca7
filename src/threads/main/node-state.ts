/** The states of a node and the moves between them, as data. Of the main thread. */
import assert from 'node:assert/strict'

export type NodeStateName =
  /** Its threads begin, then its first service. */
  | 'starting'
  | 'running'
  /** It ends in good order. */
  | 'stopping'
  /** The same, and a service wanted it so before the node ran: its start has not failed. */
  | 'aborting'
  /** It ends since a thread died without which nothing goes on, or with which all services went. */
  | 'failing'

export type NodeInput =
  /** The first service is ready. */
  | 'launched'
  | 'stop'
  /** A service called `skynet.abort()`. */
  | 'abort'
  | 'fail'

/**
 * Row: state. Column: what happened. Cell: next state. A pair that is absent cannot happen. A node
 * ends for the first reason that there is: what comes later changes nothing.
 */
const NEXT = {
  starting: { launched: 'running', stop: 'stopping', abort: 'aborting', fail: 'failing' },
  running: { stop: 'stopping', abort: 'stopping', fail: 'failing' },
  stopping: { launched: 'stopping', stop: 'stopping', abort: 'stopping', fail: 'stopping' },
  aborting: { launched: 'aborting', stop: 'aborting', abort: 'aborting', fail: 'aborting' },
  failing: { launched: 'failing', stop: 'failing', abort: 'failing', fail: 'failing' },
} as const satisfies Record<NodeStateName, Partial<Record<NodeInput, NodeStateName>>>

const TABLE: Readonly<Record<NodeStateName, Partial<Record<NodeInput, NodeStateName>>>> = NEXT

export class NodeState {
  #name: NodeStateName = 'starting'

  get name(): NodeStateName {
    return this.#name
  }

  get isEnding(): boolean {
    return this.#name !== 'starting' && this.#name !== 'running'
  }

  /** Asserts: a move that the table does not have is a bug of ours. */
  move(input: NodeInput): void {
    const to = TABLE[this.#name][input]
    assert(to !== undefined, `no move from ${this.#name} by ${input}`)
    this.#name = to
  }
}
