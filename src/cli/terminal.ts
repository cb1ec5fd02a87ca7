/**
 * The terminal that a node was started in, and that may hang up while the node runs. At the end of
 * the process Node.js sets its terminals back, and aborts when one of them is gone.
 */
import { closeSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Os } from '../os/os.ts'

const STANDARD = [0, 1, 2]

/** At the end of the process /dev/null takes the place of a terminal that is gone by then. */
export function outliveTerminal(os: Os): void {
  const terminals = STANDARD.filter((fd) => isatty(fd))
  process.on('exit', () => {
    const gone = terminals.filter((fd) => !isatty(fd))
    if (gone.length === 0) return
    const nothing = openSync('/dev/null', 'r+')
    for (const fd of gone) os.duplicate(nothing, fd)
    closeSync(nothing)
  })
}
