/** What clients believe, compared with what agents have written. */
import { readFileSync } from 'node:fs'
import type { BookReport } from './client-book.ts'

/** Codes that say: it may have run, or not. All others say that it has not. */
const MAYBE: readonly string[] = ['ERR_CLIENT_LOST', 'ERR_CALL_DEAD', 'ERR_ANSWER_GONE']

/** For each user how often each call has run, by its number. */
export type Ledger = ReadonlyMap<string, ReadonlyMap<number, number>>

export function readLedger(file: string): Ledger {
  const users = new Map<string, Map<number, number>>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [user = '', n] = line.split(' ')
    if (n === undefined) continue
    const ran = users.get(user) ?? new Map<number, number>()
    users.set(user, ran)
    ran.set(Number(n), (ran.get(Number(n)) ?? 0) + 1)
  }
  return users
}

/** What is not true of what a client believes, and what was wrong by itself. */
export function faultsOf({ user, faults, answered, failed }: BookReport, ledger: Ledger): string[] {
  const ran = ledger.get(user) ?? new Map<number, number>()
  const found = [...faults]
  for (const [n, times] of ran) if (times > 1) found.push(`call ${n} ran ${times} times`)
  for (const n of answered) if (!ran.has(n)) found.push(`call ${n} was answered, and has not run`)
  for (const [n, code] of failed) {
    if (ran.has(n) && !MAYBE.includes(code)) found.push(`call ${n} has run, and failed: ${code}`)
  }
  return found.map((fault) => `${user}: ${fault}`)
}
