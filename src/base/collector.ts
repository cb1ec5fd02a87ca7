/** The garbage collector of V8. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * What collects the garbage of this thread. A context has it that is made under a flag. The flag
 * is taken back: V8 would not take code that was compiled ahead without it, neither ours nor that
 * of Node.js, and every thread that begins later would compile all it needs.
 */
export function collector(): () => void {
  // So the process was started.
  if (globalThis.gc !== undefined) return () => void globalThis.gc?.()
  for (;;) {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('globalThis.gc') as (() => void) | undefined
    setFlagsFromString('--no-expose-gc')
    if (gc !== undefined) return gc
    // Flags are those of the process: another thread has just taken it back.
  }
}
