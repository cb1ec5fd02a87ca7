/** What other nodes do, for the log: it may come in floods. */
import { Repeats, type RepeatsHost } from '../service/repeats.ts'

/** By kind, what there are more of, and whether that is wrong. */
const KINDS = {
  frame: ['frames that are none', 'error'],
  push: ['pushes that came to nobody', 'error'],
  lost: ['pushes that are lost', 'error'],
  refused: ['connections that were refused', 'error'],
  accept: ['connections that were accepted', 'info'],
} as const

export type SayOften = (about: keyof typeof KINDS, text: string) => void

/** Of each kind a line at once, and then how many more there were. */
export function sayingsOf(host: RepeatsHost): SayOften {
  const repeats = Object.fromEntries(
    Object.entries(KINDS).map(([about, [what, level]]) => {
      return [about, new Repeats(host, (count) => `cluster: ${count} more ${what}`, level)]
    }),
  )
  return (about, text) => repeats[about]!.say(`cluster: ${text}`)
}
