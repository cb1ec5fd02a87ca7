/** What a benchmark is, and what it reports. */

/** Where another echo server listens. */
export interface Target {
  readonly host: string
  readonly port: number
}

export interface BenchOptions {
  /** How often each side is measured: first all sides once, then all of them again. */
  readonly rounds: number
  /** How long one side is measured in one round, where the time is what is given. */
  readonly seconds: number
  /** How long each side runs before it is measured. */
  readonly warmSeconds: number
  /** Inputs so small that only the benchmark itself is tested. */
  readonly isQuick: boolean
  /** Measure this server, and nothing else. */
  readonly target?: Target | undefined
  /** Folder for CPU profiles of every process and thread that is measured. */
  readonly profile?: string | undefined
}

/** Of `/s` more is better, of `bytes` and `us` less. */
export type Unit = '/s' | 'bytes' | 'us'

/** What one side did in one round. */
export interface Measure {
  /** Only what came back, arrived or happened; never what was asked for. */
  readonly completed: number
  /** In the unit of the row. */
  readonly value: number
}

export interface Ratio {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** One line of the report: ours beside one other. */
export interface Row {
  readonly what: string
  readonly unit: Unit
  /** Median of the rounds; null when only another server was measured. */
  readonly ours: number | null
  readonly other: number | null
  readonly otherName: string | null
  /** How many times better ours is, round by round: above 1 in our favour, whatever the unit. */
  readonly ratio: Ratio | null
  /** Completions of all rounds. */
  readonly completed: { readonly ours: number; readonly other: number }
}

export interface Bench {
  readonly name: string
  /** One line. */
  readonly help: string
  run(options: BenchOptions): Promise<readonly Row[]>
}
