/**
 * What becomes of large blocks that malloc gave: back to the system, each when it is freed. A block
 * that glibc maps by itself comes zeroed and untouched, and goes back as a whole. But with the
 * first one of them that is freed glibc raises the size from which it does so, up to 32 MiB, and
 * takes the next ones from memory that it keeps: it zeroes them, which touches all, and gives
 * little back. The memory of a node is of that kind, 120 MB of which little is touched. Where
 * thousands of nodes started and stopped in one process that grew to 12 GB.
 *
 * So the size is set, which also stops the raising, and it is that of the rings of a node: 4 MiB. A
 * program that has a node in it is as before with blocks below, and above 32 MiB. Those between are
 * as in a program that never freed a large one: mapped when allocated, and gone when freed.
 */
import { type Libc, openLibc } from './libc.ts'

const M_TRIM_THRESHOLD = -1
const M_MMAP_THRESHOLD = -3
const LARGE_BYTES = 4 * 1024 * 1024
/** What glibc itself makes of the other one: it keeps so much at the end of its memory. */
const KEPT_BYTES = 2 * LARGE_BYTES
/** Who has set the size has the last word. */
const IS_SET = /mmap_threshold/i

/** The least that was asked for. */
let setBytes = Infinity

/**
 * On the thread that starts the first node of the process, or makes many test nodes.
 *
 * @param bytes Those so large or larger. What was set before holds where it is lower.
 */
export function freeLargeBlocks(bytes = LARGE_BYTES): void {
  if (bytes >= setBytes) return
  setBytes = bytes
  setLargeBlocks(openLibc(), process.env, bytes)
}

export function setLargeBlocks(
  { glibc }: Pick<Libc, 'glibc'>,
  env: NodeJS.ProcessEnv,
  bytes = LARGE_BYTES,
): void {
  const { MALLOC_MMAP_THRESHOLD_ = '', GLIBC_TUNABLES = '' } = env
  if (MALLOC_MMAP_THRESHOLD_ !== '' || IS_SET.test(GLIBC_TUNABLES)) return
  glibc?.mallopt(M_MMAP_THRESHOLD, bytes)
  glibc?.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
}
