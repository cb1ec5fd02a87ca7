/** Several sides measured in turn, A B A B, so that what slows the machine slows them all. */
import type { BenchOptions, Measure, Ratio, Row, Unit } from './bench.ts'

export interface Side {
  readonly name: string
  measure(): Promise<Measure>
}

export interface Contest {
  readonly what: string
  readonly unit: Unit
  readonly ours?: Side | undefined
  readonly others: readonly Side[]
}

/** @returns One row for each of the others; one for us alone when there are none. */
export async function contest(
  { what, unit, ours, others }: Contest,
  { rounds }: Pick<BenchOptions, 'rounds'>,
): Promise<Row[]> {
  const mine: Measure[] = []
  const theirs: Measure[][] = others.map(() => [])
  for (let round = 0; round < rounds; round++) {
    if (ours !== undefined) mine.push(await measured(what, ours))
    for (const [i, other] of others.entries()) theirs[i]!.push(await measured(what, other))
  }
  const row = (other: Side | undefined, measures: readonly Measure[]): Row => ({
    what,
    unit,
    ours: medianValue(mine),
    other: medianValue(measures),
    otherName: other?.name ?? null,
    ratio: ratioOf(unit, mine, measures),
    completed: { ours: completions(mine), other: completions(measures) },
  })
  if (others.length === 0) return [row(undefined, [])]
  return others.map((other, i) => row(other, theirs[i]!))
}

/**
 * A side that measures two things at once: the first of a pair, for one contest, and what it saw of
 * the second, for a contest after it.
 */
export function twofold(
  name: string,
  measure: () => Promise<readonly [Measure, Measure]>,
): readonly [Side, Side] {
  const seen: Measure[] = []
  const first = async (): Promise<Measure> => {
    const [now, later] = await measure()
    seen.push(later)
    return now
  }
  const second = async (): Promise<Measure> => seen.shift()!
  return [
    { name, measure: first },
    { name, measure: second },
  ]
}

async function measured(what: string, side: Side): Promise<Measure> {
  const measure = await side.measure()
  if (measure.completed > 0 && Number.isFinite(measure.value)) return measure
  throw new Error(`Cannot report '${what}': ${side.name} completed ${measure.completed}`)
}

function ratioOf(unit: Unit, mine: readonly Measure[], theirs: readonly Measure[]): Ratio | null {
  if (mine.length === 0 || theirs.length === 0) return null
  const ratios = mine.map(({ value }, round) => {
    const other = theirs[round]!.value
    return unit === '/s' ? value / other : other / value
  })
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) }
}

const completions = (measures: readonly Measure[]): number =>
  measures.reduce((sum, { completed }) => sum + completed, 0)

function medianValue(measures: readonly Measure[]): number | null {
  return measures.length === 0 ? null : median(measures.map(({ value }) => value))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle]!
  return (sorted[middle - 1]! + sorted[middle]!) / 2
}
