/** Compares what callers on all nodes believe with what has happened. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { textOf } from './cli.ts'

/** Of the owner of a name: that of a later one is higher. */
export type Token = readonly [era: number, revision: number]

/** A call to another node, as its caller sees it. */
export interface CallEntry {
  /** Of this call alone. */
  readonly id: string
  readonly what: 'query' | 'work' | 'ledger' | 'passed'
  readonly to: string
  readonly begunAt: number
  endedAt: number
  readonly timeoutMs: number
  /** `ok`, or the code of the error; `open` until it ends. */
  outcome: string
  sent?: 'no' | 'maybe' | undefined
  /** Of an answer of the ledger. */
  token?: Token
}

/** Somebody has waited for the end of a service of another node, which he has ended. */
export interface WatchEntry {
  /** How he knew of it. */
  readonly way: string
  readonly by: string
  readonly to: string
  /** How it ended; `open…` until it did. */
  reason: string
}

/** What a node was told of another one. */
export interface NodeEntry {
  readonly at: number
  readonly state: string
  readonly node: string
  readonly epoch: number
}

/** What a process knows. */
export interface Book {
  readonly node: string
  readonly calls: readonly CallEntry[]
  /** To each node, how many were sent; the last one of it has that number. */
  readonly sends: Readonly<Record<string, number>>
  readonly nodes: readonly NodeEntry[]
  readonly watches: readonly WatchEntry[]
}

/** What was done to the process of a node. */
export interface Harm {
  readonly node: string
  readonly pid: number
  readonly what: 'kill' | 'stop' | 'pause' | 'cut' | 'blink' | 'outage'
  readonly from: number
  to: number
}

export interface Judged {
  readonly faults: readonly string[]
  readonly calls: number
  readonly answered: number
  readonly failed: number
  /** How often calls have ended how: `work ERR_NODE_LOST maybe`. */
  readonly ends: Readonly<Record<string, number>>
  readonly sends: number
  /** Ends of services that somebody has waited for. */
  readonly watches: number
  /** Nodes that were declared down, each epoch of them. */
  readonly deaths: number
  /** How much later than its deadline a call has ended, at most. */
  readonly lateMs: number
}

type BookOf = Book & { readonly pid: number }

/** What a remote call may end with, besides an answer. */
const CODES = new Set([
  'ERR_CALL_DEAD',
  'ERR_CALL_TIMEOUT',
  'ERR_FENCED',
  'ERR_LINK_FULL',
  'ERR_NAME_UNKNOWN',
  'ERR_NODE_LOST',
  'ERR_NODE_UNKNOWN',
  'ERR_STORE_LOST',
])
/** Of what a node may be declared dead. */
const MORTAL: ReadonlySet<Harm['what']> = new Set(['kill', 'stop', 'cut'])
/**
 * After this TCP is silent for less than a lease: it tries again after ever longer pauses, so who
 * was cut off is silent for up to as long again. A busy machine may take its time to end a cut.
 */
const BLINK_MS_MAX = 1000
const isMortal = ({ what, from, to }: Harm): boolean =>
  MORTAL.has(what) || (what === 'blink' && to - from > BLINK_MS_MAX)
const FAULTS_SHOWN = 20

/** The same clock in all processes of a machine, in milliseconds. */
export const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000

export function judge(folder: string, books: readonly BookOf[], harms: readonly Harm[]): Judged {
  const faults: string[] = []
  const happened = read(folder)
  const isHarmed = (node: string): boolean => harms.some((harm) => harm.node === node)
  for (const book of books) {
    const isStopped = ({ begunAt, endedAt }: CallEntry): boolean =>
      harms.some(({ pid, from, to }) => pid === book.pid && endedAt > from && begunAt < to)
    for (const call of book.calls) {
      const fault = faultOf(call, happened)
      if (fault !== undefined) faults.push(`${call.id} to ${call.to}: ${fault}`)
      const isCalm = !isHarmed(book.node) && !isHarmed(call.to) && call.what === 'work'
      // A deadline may pass on a busy machine, too.
      const isRight = call.outcome === 'ok' || call.outcome === 'ERR_CALL_TIMEOUT'
      if (isCalm && !isRight && !isStopped(call)) {
        faults.push(`${call.id} to ${call.to}: ${call.outcome} though nothing was done to either`)
      }
    }
    faults.push(...faultsOfNodes(book, harms), ...faultsOfTokens(book))
    for (const { way, by, to, reason } of book.watches) {
      if (reason.startsWith('open')) faults.push(`${by} waits for the end of a ${way} of ${to}`)
    }
  }
  faults.push(
    ...faultsOfSends(books, happened, isHarmed),
    ...faultsOfOwners(happened.ledger, harms),
  )
  for (const [id, times] of happened.calls) if (times > 1) faults.push(`${id} ran ${times} times`)
  const calls = books.flatMap((book) => book.calls)
  const answered = calls.filter(({ outcome }) => outcome === 'ok').length
  const ends: Record<string, number> = {}
  for (const { what, outcome, sent = '' } of calls) {
    const end = `${what} ${outcome} ${sent}`.trimEnd()
    ends[end] = (ends[end] ?? 0) + 1
  }
  return {
    faults: faults.slice(0, FAULTS_SHOWN),
    calls: calls.length,
    answered,
    failed: calls.length - answered,
    ends,
    sends: books.reduce((sum, { sends }) => sum + total(sends), 0),
    watches: books.reduce((sum, { watches }) => sum + watches.length, 0),
    deaths: deathsIn(books),
    lateMs: lateness(books, harms),
  }
}

function deathsIn(books: readonly Book[]): number {
  const downs = books.flatMap(({ nodes }) => nodes.filter(({ state }) => state === 'down'))
  return new Set(downs.map(({ node, epoch }) => `${node} ${epoch}`)).size
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

interface Happened {
  /** How often each call has run. */
  readonly calls: ReadonlyMap<string, number>
  /** By receiving node, by sending process: the numbers in the order in which they came. */
  readonly sends: ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>
  /** What its owners have done: call, token, node. */
  readonly ledger: readonly string[]
}

function read(folder: string): Happened {
  const calls = new Map<string, number>()
  const sends = new Map<string, Map<string, number[]>>()
  const ran = (id: string): unknown => calls.set(id, (calls.get(id) ?? 0) + 1)
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.ran'))) {
    const from = new Map<string, number[]>()
    sends.set(name.replace(/\.ran$/, ''), from)
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      const [kind, who = '', count] = line.split(' ')
      if (kind === 'call') ran(who)
      else if (kind === 'send') {
        const counts = from.get(who) ?? []
        from.set(who, counts)
        counts.push(Number(count))
      }
    }
  }
  const ledger = textOf(join(folder, 'ledger')).split('\n').filter(Boolean)
  for (const line of ledger) ran(line.split(' ')[0]!)
  return { calls, sends, ledger }
}

function faultOf({ id, what, outcome, sent }: CallEntry, { calls }: Happened): string | undefined {
  const hasRun = calls.has(id)
  if (outcome === 'open') return 'it has not ended'
  if (what === 'query') return outcome === 'ok' || CODES.has(outcome) ? undefined : outcome
  if (outcome === 'ok') return hasRun ? undefined : 'was answered and has not run'
  if (!CODES.has(outcome)) return `ended with ${outcome}`
  if (sent === undefined) return `${outcome} does not say whether it was sent`
  return sent === 'no' && hasRun ? `${outcome} says that it was not sent, and it ran` : undefined
}

/** Nobody healthy is declared dead; each epoch of a node dies once. */
function faultsOfNodes({ node, nodes }: Book, harms: readonly Harm[]): string[] {
  const downs = nodes.filter(({ state }) => state === 'down')
  return downs.flatMap((down) => {
    const name = `${down.node}, epoch ${down.epoch}`
    const same = downs.filter((each) => each.node === down.node && each.epoch === down.epoch)
    if (same.length > 1) return [`${node} was told ${same.length} times that ${name} is down`]
    const isExpected = harms.some(
      (harm) => isMortal(harm) && (harm.node === down.node || harm.node === node),
    )
    return isExpected ? [] : [`${node} was told that ${name} is down, to which nothing was done`]
  })
}

/** No owner is heard of after a later one. */
function faultsOfTokens({ node, calls }: Book): string[] {
  const faults: string[] = []
  let highest: Token = [0, 0]
  const answered = calls.filter(({ token }) => token !== undefined)
  for (const { id, token } of answered.sort((a, b) => a.endedAt - b.endedAt)) {
    if (isLess(token!, highest)) faults.push(`${id}: ${node} took ${token} after ${highest}`)
    else highest = token!
  }
  return faults
}

const isLess = ([era, revision]: Token, [otherEra, otherRevision]: Token): boolean =>
  era < otherEra || (era === otherEra && revision < otherRevision)

/**
 * Who has been overtaken has stopped before. A process that was held does not know at once: for
 * what it does until then there are tokens.
 */
function faultsOfOwners(lines: readonly string[], harms: readonly Harm[]): string[] {
  const isHeld = (line: string): boolean =>
    harms.some(({ what, node }) => what === 'stop' && line.endsWith(` ${node}`))
  const tokens = lines.map((line) => line.split(' ')[1]!.split('.').map(Number) as unknown as Token)
  return tokens.flatMap((token, at) => {
    const before = tokens[at - 1]
    return before !== undefined && isLess(token, before) && !isHeld(lines[at]!)
      ? [`the owner ${token} of the ledger has acted after ${before}: ${lines[at]}`]
      : []
  })
}

/** In order, once; and all of them where nothing was done to either. */
function faultsOfSends(
  books: readonly BookOf[],
  { sends }: Happened,
  isHarmed: (node: string) => boolean,
): string[] {
  const faults: string[] = []
  for (const [to, from] of sends) {
    for (const [who, counts] of from) {
      const at = counts.findIndex((count, i) => i > 0 && count <= counts[i - 1]!)
      if (at >= 0) faults.push(`${to} got ${counts[at]} of ${who} after ${counts[at - 1]}`)
    }
  }
  for (const { node, pid, sends: sent } of books) {
    for (const [to, count] of Object.entries(sent)) {
      if (isHarmed(node) || isHarmed(to)) continue
      const [, from] = [...sends].find(([who]) => who.startsWith(`${to}.`)) ?? []
      const got = from?.get(`${node}.${pid}`)?.length ?? 0
      if (got !== count) faults.push(`${to} got ${got} of the ${count} messages of ${node}`)
    }
  }
  return faults
}

function lateness(books: readonly BookOf[], harms: readonly Harm[]): number {
  let most = 0
  for (const { pid, calls } of books) {
    if (harms.some((harm) => harm.pid === pid && (harm.what === 'stop' || harm.what === 'pause')))
      continue
    for (const { begunAt, endedAt, timeoutMs } of calls) {
      most = Math.max(most, endedAt - begunAt - timeoutMs)
    }
  }
  return most
}
