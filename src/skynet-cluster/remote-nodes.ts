/** The table of nodes: where each is, and what is asked of it. */
import { checkFlag, checkPlain, refusal } from '../base/check.ts'
import type { Asked } from './asked.ts'
import { parseAddress } from './node-address.ts'
import { knownAddress, type RemoteHost, RemoteNode, type RemoteState } from './remote-node.ts'
import type { Said } from './words.ts'

/**
 * By name `'host:port'`, or false: the node is down. `__nowaiting: true`: who asks a node that is
 * in no table is refused at once; else it waits for one, as long as its deadline lets it.
 */
export interface NodeTable {
  readonly [name: string]: string | boolean
}

/** A node of the table, as it is now. */
export interface ClusterNodeInfo {
  readonly name: string
  /** False: it is marked as down; undefined: nobody has said where it is. */
  readonly address: string | false | undefined
  readonly state: RemoteState
  /** Calls that wait for their answers, and requests that wait for a connection. */
  readonly pending: number
}

const NO_WAITING = '__nowaiting'

/** @throws {TypeError} Naming what is wrong with it. */
export function checkTable(what: string, table: unknown): void {
  checkPlain(what, 'nodes', table)
  for (const [name, address] of Object.entries(table as object)) {
    if (name === NO_WAITING) {
      checkFlag(what, name, address)
    } else if (name.startsWith('__') || name === '') {
      throw refusal('value', what, 'nodes', `a table of names, and '${NO_WAITING}'`, name)
    } else if (typeof address === 'string') parseAddress(what, name, address)
    else if (address !== false) throw refusal('type', what, name, `'host:port', or false`, address)
  }
}

export class RemoteNodes {
  readonly #all = new Map<string, RemoteNode>()
  /** By name, of the last word on where it is. */
  readonly #stamps = new Map<string, number>()
  readonly #host: RemoteHost
  isNoWaiting = false

  constructor(host: Omit<RemoteHost, 'isNoWaiting'>) {
    const isNoWaiting = (): boolean => this.isNoWaiting
    this.#host = {
      ...host,
      get isNoWaiting() {
        return isNoWaiting()
      },
    }
  }

  /** Those that the table does not name stay as they are. */
  reload(table: NodeTable, stamp: number): void {
    for (const [name, address] of Object.entries(table)) this.#move(name, address, stamp)
    this.#stopWaiting()
  }

  /** Words that another instance has heard: each holds unless one that was said later is known. */
  restore(table: ReadonlyMap<string, Said<string | boolean>>, now: number): void {
    for (const [name, { word, stamp }] of table) {
      const saidAt = stamp || now
      if ((this.#stamps.get(name) ?? 0) <= saidAt) this.#move(name, word, saidAt)
    }
    this.#stopWaiting()
  }

  #move(name: string, address: string | boolean, stamp: number): void {
    this.#stamps.set(name, stamp)
    if (name === NO_WAITING) this.isNoWaiting = address === true
    else this.#nodeOf(name).move(address as string | false)
  }

  #stopWaiting(): void {
    if (!this.isNoWaiting) return
    for (const node of this.#all.values()) {
      node.stopWaiting()
      this.#forget(node)
    }
  }

  /** @throws {SkynetError} `ERR_SKYNETCLUSTER_DOWN` unless the table says where it is. */
  addressOf(name: string): string {
    return knownAddress(name, this.#all.get(name)?.address)
  }

  ask(asked: Asked): void {
    const node = this.#nodeOf(asked.node)
    node.ask(asked)
    this.#forget(node)
  }

  /** Nobody waits for it any more. */
  giveUp(asked: Asked): void {
    const node = this.#all.get(asked.node)
    if (node === undefined) return
    node.forget(asked)
    this.#forget(node)
  }

  list(): ClusterNodeInfo[] {
    return [...this.#all.values()].map(({ name, address, state, pending }) => {
      return { name, address, state, pending }
    })
  }

  #nodeOf(name: string): RemoteNode {
    const known = this.#all.get(name)
    if (known !== undefined) return known
    const node = new RemoteNode(name, this.#host)
    this.#all.set(name, node)
    return node
  }

  /** Names of nodes may come from anywhere: those of nobody are not kept. */
  #forget(node: RemoteNode): void {
    if (node.isForgotten) this.#all.delete(node.name)
  }
}
