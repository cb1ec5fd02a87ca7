/**
 * The configuration of a node, complete and checked: every key has its value, every path is
 * absolute. `cli/config.ts` makes it from what the user wrote, `start.ts` builds the node from it.
 */
export interface ResolvedConfig {
  /** Worker threads that run services, 1..`WORKERS_MAX`. */
  readonly thread: number
  /** The high 8 bits of every handle of this node, 0..`HARBOR_MAX`. */
  readonly harbor: number
  /** Absolute path of the module of the first service. */
  readonly start: string
  /** What the first service is started with: message values. */
  readonly args: readonly unknown[]
  /** Absolute path of the log file; undefined: standard output. */
  readonly logger: string | undefined
  /** What services read with `skynet.getenv`. */
  readonly env: Readonly<Record<string, string | number | boolean>>
  /** Deadline of a call that names none, in milliseconds; 0: none. */
  readonly callTimeoutMs: number
  /** How long a handler may hold its worker before it is reported, in milliseconds; 0: for ever. */
  readonly monitorMs: number
  /** Absolute paths of the folders where bare service names are looked up, in this order. */
  readonly services: readonly string[]
}
