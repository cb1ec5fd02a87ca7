/** How a node becomes a member: who waits for that, and what is said when it does not. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { CLUSTER_JOIN_MS } from '../base/limits.ts'
import { messageOf } from '../base/thrown.ts'
import type { Skynet } from '../skynet/skynet.ts'

/** What somebody has to change a config for: a node that was never a member does not start. */
const FOR_PEOPLE: ReadonlySet<string> = new Set([
  'ERR_NODE_NAME_TAKEN',
  'ERR_CLUSTER_AUTH',
  'ERR_CLUSTER_VERSION',
])
/** The name of a process that was killed is free after a lease: so long may it take. */
const JOIN_LEASES = 1.5

/** Who says no reason has lost it all the same. */
const UNSAID = new SkynetError('ERR_STORE_LOST', { reason: 'nobody says why' })

const isForPeople = (reason: unknown): boolean =>
  isSkynetError(reason) && FOR_PEOPLE.has(reason.code)

export class Joining {
  readonly #skynet: Skynet
  /** It rejects when this node could not become a member. */
  readonly #entered: Promise<void>
  #onJoined!: () => void
  #onFailed!: (reason: unknown) => void
  #storeLost: unknown

  constructor(skynet: Skynet) {
    this.#skynet = skynet
    this.#entered = new Promise((resolve, reject) => {
      this.#onJoined = resolve
      this.#onFailed = reject
    })
    this.#entered.catch(() => {})
  }

  /**
   * Wait until this node is a member. A store that is not there keeps no node from starting: it
   * joins as soon as it can.
   *
   * @throws What keeps it from joining: a name that is taken, a secret that is another one, say.
   */
  async wait(leaseMs: number): Promise<void> {
    const skynet = this.#skynet
    const token = {}
    let isOver = false
    const over = (): void => {
      isOver = true
      skynet.wakeup(token)
    }
    this.#entered.then(over, over)
    const ms = Math.max(CLUSTER_JOIN_MS, leaseMs * JOIN_LEASES)
    await skynet.sleep(ms, { token })
    if (isOver) await this.#entered
    else skynet.error(`not in the cluster after ${ms} ms: joins as soon as it can`)
  }

  joined(): void {
    this.#onJoined()
  }

  failed(reason: unknown): void {
    const before = isForPeople(reason) ? '' : 'Cannot join the cluster: '
    this.#skynet.error(`${before}${messageOf(reason)}`)
    this.#onFailed(reason)
  }

  store(isThere: boolean, reason: unknown): void {
    if (isForPeople(reason)) this.#onFailed(reason)
    const wasThere = this.#storeLost === undefined
    this.#storeLost = isThere ? undefined : (reason ?? UNSAID)
    if (isThere === wasThere) return
    if (isThere) this.#skynet.log('the store of the cluster is there')
    else
      this.#skynet.error(`the store of the cluster is out of reach: ${messageOf(this.#storeLost)}`)
  }

  /** Why the store is out of reach; undefined: it is there. */
  get storeLost(): unknown {
    return this.#storeLost
  }
}
