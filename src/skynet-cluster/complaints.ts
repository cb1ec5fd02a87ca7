/** What goes wrong with other nodes, for the log: it may come in floods. */
import { Repeats, type RepeatsHost } from '../service/repeats.ts'

/** By kind, what there are more of. */
const KINDS = {
  frame: 'frames that are none',
  push: 'pushes that came to nobody',
  lost: 'pushes that are lost',
  refused: 'connections that were refused',
} as const

export type Complain = (about: keyof typeof KINDS, text: string) => void

/** Of each kind a line at once, and then how many more there were. */
export function complaintsOf(host: RepeatsHost): Complain {
  const repeats = Object.fromEntries(
    Object.entries(KINDS).map(([about, what]) => {
      return [about, new Repeats(host, (count) => `cluster: ${count} more ${what}`, 'error')]
    }),
  )
  return (about, text) => repeats[about]!.say(`cluster: ${text}`)
}
