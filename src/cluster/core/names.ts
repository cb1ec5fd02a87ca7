/**
 * Names that one service in the whole cluster owns, as one node sees them, and those that it owns
 * or wants itself.
 *
 * An owner is who has written `name.<name>`: where nothing stood, or over an owner whose node is
 * over. The era and the revision of that write are its token; tokens rise, and whoever gets
 * something from an owner refuses it when the token is lower than one that it knows.
 *
 * In a new era owners write again what they own, with the token that they have; a higher one
 * outbids. Until the grace is over nobody else takes anything: who has lost it would be healthy.
 */
import { CLUSTER_TOKENS_MAX } from '../../base/limits.ts'
import {
  compareTokens,
  decodeOwner,
  encodeOwner,
  type FenceToken,
  NAME_KEY,
  type NameOwner,
} from './records.ts'
import type { StoreEntry } from './store.ts'
import type { StoreView } from './store-view.ts'
import type { PeerAddress } from './transport.ts'

/** What names need to know of nodes: `Members` has it. */
export interface NameMembers {
  /** Of ours; 0: we are no member. */
  readonly epoch: number
  readonly isWritten: boolean
  readonly isGrace: boolean
  readonly isCertain: boolean
  readonly isDraining: boolean
  isOver(node: PeerAddress): boolean
}

export interface ClusterNamesHost {
  now(): number
  /** It is ours, from now on, with that token. */
  owned(name: string, token: FenceToken): void
  /** A claim waits, because another one owns it who lives; again for each other owner. */
  taken(name: string, owner: NameOwner): void
  /** The store does not take it. The claim is over. */
  refused(name: string, reason: unknown): void
  /** It was ours, and is no more: whatever we do for it is refused. The claim is over. */
  fenced(name: string, token: FenceToken, current: FenceToken | undefined): void
  /** Who owns a name, as far as is known: undefined when nobody does. */
  owner(name: string, owner: NameOwner | undefined): void
}

/** What a service of this node wants, or has. */
interface Claim {
  readonly name: string
  id: number
  /** Undefined: it is not ours. */
  token: FenceToken | undefined
  /** Where it stands as ours; in another one it must be written again. */
  era: number
  isWriting: boolean
  retryAt: number
  /** Who was told to have it. */
  told: NameOwner | undefined
  /** To be given back; called once it is. */
  released: (() => void) | undefined
  /** Wanted again meanwhile, for that service. */
  again: number | undefined
}

/** After a write that somebody else has won, so long a pause. */
const PAUSES_PER_LEASE = 30
/** Leases for which the owners of the era before are remembered. */
const REMEMBERED_LEASES = 1.5

interface StoredOwner {
  /** Of its entry. */
  readonly revision: number
  /** Undefined: not to be read, so that nobody takes it. */
  readonly owner: NameOwner | undefined
}

export class ClusterNames {
  readonly #node: string
  readonly #leaseMs: number
  readonly #view: StoreView
  readonly #members: NameMembers
  readonly #host: ClusterNamesHost
  readonly #claims = new Map<string, Claim>()
  /** Those of them for which something may have to be done. */
  readonly #unsettled = new Set<Claim>()
  readonly #owners = new Map<string, StoredOwner>()
  /** Those of the era before, for a while: who lives will write again what it owns. */
  #before = new Map<string, StoredOwner>()
  #beforeUntil = 0
  /** The highest token of each name that was seen: in the store, or from its owner. */
  readonly #highest = new Map<string, FenceToken>()

  constructor(
    node: string,
    leaseMs: number,
    view: StoreView,
    members: NameMembers,
    host: ClusterNamesHost,
  ) {
    this.#node = node
    this.#leaseMs = leaseMs
    this.#view = view
    this.#members = members
    this.#host = host
  }

  /** Who owns it, as far as is known: whoever needs to be sure asks the owner. */
  owner(name: string): NameOwner | undefined {
    const owner = this.#owners.get(name)?.owner
    return owner === undefined || this.#members.isOver(owner) ? undefined : owner
  }

  /** The token of a name that is ours. */
  token(name: string): FenceToken | undefined {
    return this.#claims.get(name)?.token
  }

  /** May its service act now? Each act asks anew: time passes. */
  acts(name: string): boolean {
    const claim = this.#claims.get(name)
    if (claim?.token === undefined) return false
    return claim.era === this.#view.era && this.#members.isCertain
  }

  /** Is a message that its owner has sent with this token to be taken? Notes it when it is. */
  accepts(name: string, token: FenceToken): boolean {
    const highest = this.#highest.get(name)
    if (highest !== undefined && compareTokens(token, highest) < 0) return false
    this.#note(name, token)
    return true
  }

  /** The highest token that was seen. */
  current(name: string): FenceToken | undefined {
    return this.#highest.get(name)
  }

  /**
   * Want a name for a service, until it is released or fenced. Also to say which service it is,
   * once that is known: the token stays.
   */
  claim(name: string, id: number): void {
    const known = this.#claims.get(name)
    if (known?.released !== undefined) {
      known.again = id
      return
    }
    if (known !== undefined) known.id = id
    this.#look(known ?? this.#add(name, id))
  }

  #add(name: string, id: number): Claim {
    const none = { token: undefined, told: undefined, released: undefined, again: undefined }
    const claim = { name, id, era: 0, isWriting: false, retryAt: 0, ...none }
    this.#claims.set(name, claim)
    return claim
  }

  /** Give it back, or want it no more. `released` is called once others can see it. */
  release(name: string, released: () => void): void {
    const claim = this.#claims.get(name)
    if (claim === undefined) {
      released()
      return
    }
    claim.again = undefined
    const before = claim.released
    claim.released = before === undefined ? released : both(before, released)
    if (claim.token === undefined && !claim.isWriting) this.#forget(claim)
    else this.#look(claim)
  }

  /** Give back all that there is. Without the store that waits until it is there. */
  releaseAll(released: () => void): void {
    let left = this.#claims.size
    if (left === 0) released()
    for (const name of [...this.#claims.keys()]) {
      this.release(name, () => {
        if (--left === 0) released()
      })
    }
  }

  /** The store remembers nothing of what was. */
  forgotten(): void {
    this.#before = new Map(this.#owners)
    this.#beforeUntil = this.#host.now() + this.#leaseMs * REMEMBERED_LEASES
    this.#owners.clear()
    for (const claim of this.#claims.values()) this.#unsettled.add(claim)
  }

  /** The store has told what never was: also tokens that nobody had. */
  forget(): void {
    this.#owners.clear()
    this.#before.clear()
    this.#highest.clear()
  }

  /** Another value of a `name.` key. */
  entry(entry: StoreEntry): void {
    const name = entry.key.slice(NAME_KEY.length)
    const { revision, value } = entry
    const owner = value === undefined ? undefined : decodeOwner(entry, this.#view.era)
    this.#before.delete(name)
    if (value === undefined) this.#owners.delete(name)
    else this.#owners.set(name, { revision, owner })
    // Who had it before it was given back had a lower one, as everybody will have who gets it.
    if (value === undefined) this.#note(name, [this.#view.era, revision])
    if (owner !== undefined) this.#note(name, owner.token)
    const claim = this.#claims.get(name)
    if (claim !== undefined) this.#look(claim)
    else if (owner !== undefined && this.#isOurs(owner)) this.#drop(name, owner)
    this.#host.owner(name, owner)
  }

  /** Something else has changed that decides who may have a name: members, the view, the grace. */
  look(): void {
    for (const claim of [...this.#unsettled]) this.#look(claim)
  }

  /** Our epoch is over, and with it all that we own. What is only wanted is wanted still. */
  overtaken(): void {
    for (const claim of [...this.#claims.values()]) {
      if (claim.token !== undefined) this.#fence(claim, claim.token)
    }
  }

  #isOurs({ node, epoch }: NameOwner): boolean {
    return node === this.#node && epoch === this.#members.epoch
  }

  /** A write that came late: nobody here wants the name any more. */
  #drop(name: string, { id, token }: NameOwner): void {
    const claim = this.#add(name, id)
    claim.token = token
    this.release(name, () => undefined)
  }

  #note(name: string, token: FenceToken): void {
    const highest = this.#highest.get(name)
    if (highest !== undefined && compareTokens(token, highest) <= 0) return
    // The one that was changed last is the last to be forgotten.
    this.#highest.delete(name)
    this.#highest.set(name, token)
    if (this.#highest.size <= CLUSTER_TOKENS_MAX) return
    for (const [oldest] of this.#highest) {
      this.#highest.delete(oldest)
      return
    }
  }

  /** Write what has to be written for it, when it can be. */
  #look(claim: Claim): void {
    const { name, token } = claim
    this.#unsettled.add(claim)
    if (claim.isWriting || !this.#view.isOpen || !this.#members.isWritten) return
    const stored = this.#owners.get(name)
    const { owner, revision } = stored ?? NOBODY
    if (owner !== undefined && this.#isOurs(owner)) this.#keep(claim, owner, revision)
    else if (token !== undefined) this.#defend(claim, token, revision)
    else if (claim.released !== undefined) this.#forget(claim)
    else if (stored === undefined || owner !== undefined) this.#take(claim, owner, revision)
  }

  /** It stands as ours. */
  #keep(claim: Claim, owner: NameOwner, revision: number): void {
    const { name } = claim
    const isNew = claim.token === undefined || compareTokens(claim.token, owner.token) !== 0
    if (isNew) this.#note(name, owner.token)
    claim.token = owner.token
    claim.era = this.#view.era
    if (isNew && claim.released === undefined) this.#host.owned(name, owner.token)
    if (this.#claims.get(name) !== claim) return
    if (claim.released !== undefined) this.#write(claim, undefined, revision)
    else if (claim.id !== owner.id) this.#write(claim, owner.token, revision)
    else this.#unsettled.delete(claim)
  }

  /** Ours by what we know; in the store stands nothing, or somebody else. */
  #defend(claim: Claim, token: FenceToken, revision: number): void {
    const current = this.#highest.get(claim.name)
    if (current !== undefined && compareTokens(current, token) > 0) this.#fence(claim, token)
    // Also what is to be given back: others wait for whom they remember as its owner.
    else this.#write(claim, token, revision)
  }

  /** It may be had when it is nobody's, or of a node that is over. */
  #take(claim: Claim, owner: NameOwner | undefined, revision: number): void {
    const { isGrace, isDraining } = this.#members
    if (owner !== undefined && !this.#members.isOver(owner)) {
      const { told } = claim
      if (told !== undefined && compareTokens(told.token, owner.token) === 0) return
      claim.told = owner
      this.#host.taken(claim.name, owner)
    } else if (!isGrace && !isDraining && !this.#isRemembered(claim.name)) {
      this.#write(claim, 'new', revision)
    }
  }

  /** Its owner of the era before lives, and has not written it yet. */
  #isRemembered(name: string): boolean {
    if (this.#host.now() >= this.#beforeUntil) this.#before.clear()
    const owner = this.#before.get(name)?.owner
    return owner !== undefined && !this.#isOurs(owner) && !this.#members.isOver(owner)
  }

  /** @param token 'new': that which the write itself gives. Undefined: delete. */
  #write(claim: Claim, token: FenceToken | 'new' | undefined, revision: number): void {
    const { name, id } = claim
    if (this.#host.now() < claim.retryAt) return
    const { era } = this.#view
    const { epoch } = this.#members
    const key = NAME_KEY + name
    const self = { node: this.#node, epoch }
    const explicit = token === 'new' ? undefined : token
    const value = token === undefined ? undefined : encodeOwner(self, id, explicit)
    claim.isWriting = true
    this.#view.cas(key, value, revision, (outcome, written, reason) => {
      claim.isWriting = false
      if (this.#claims.get(name) !== claim) return
      if (outcome === 'refused' && claim.token === undefined) {
        this.#forget(claim)
        this.#host.refused(name, reason)
        return
      }
      // What the view has come to know meanwhile is looked at, whatever the answer was.
      if (outcome === 'conflict' || outcome === 'refused')
        claim.retryAt = this.#host.now() + this.#leaseMs / PAUSES_PER_LEASE
      if (outcome === 'done' && token === undefined) this.#forget(claim)
      else if (outcome === 'done' && written > 0 && era === this.#view.era) this.#look(claim)
    })
  }

  #fence(claim: Claim, token: FenceToken): void {
    const { name, released } = claim
    this.#forget(claim)
    if (released === undefined) this.#host.fenced(name, token, this.#highest.get(name))
  }

  #forget(claim: Claim): void {
    this.#claims.delete(claim.name)
    this.#unsettled.delete(claim)
    claim.released?.()
    if (claim.again !== undefined) this.claim(claim.name, claim.again)
  }
}

const NOBODY: StoredOwner = { revision: 0, owner: undefined }

const both = (one: () => void, other: () => void) => (): void => {
  one()
  other()
}
