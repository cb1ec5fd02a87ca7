/** Rows as an aligned table. */
import type { Bench, Row, Unit } from './bench.ts'

const HEAD = ['', 'ours', 'other', '', 'ratio', 'min..max']
/** Columns of numbers end at the right. */
const IS_NUMBER = [false, true, true, false, true, true]

export function table({ name, help }: Bench, rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const text = lines.map((line) =>
    line
      .map((cell, i) => (IS_NUMBER[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
  return `${name}: ${help}\n${text.join('\n')}\n`
}

function cells({ what, unit, ours, other, otherName, ratio }: Row): string[] {
  return [
    what,
    amount(ours, unit),
    amount(other, unit),
    otherName ?? '',
    ratio === null ? '' : ratio.median.toFixed(2),
    ratio === null ? '' : `${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)}`,
  ]
}

function amount(value: number | null, unit: Unit): string {
  if (value === null) return ''
  if (unit === 'us') return `${value.toFixed(2)} us`
  const text = Math.round(value).toLocaleString('en-US')
  return unit === 'bytes' ? `${text} B` : `${text}/s`
}
