/** Threads on chosen cores. */
import type { Os } from '../os/os.ts'

/** Keep the calling thread on `cpus`; none: leave it alone. A refusal is a line of the log. */
export function pinThread(os: Os, cpus: readonly number[], log: (text: string) => void): void {
  if (cpus.length === 0) return
  const result = os.setAffinity(cpus)
  if (result < 0) log(`cannot keep a thread on cores ${cpus.join(', ')}: ${os.errorText(result)}`)
}
