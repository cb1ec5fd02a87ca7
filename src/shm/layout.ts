/** Shared layouts are declared once: field name → cells, in order. */

/** Offsets of the fields, in cells of 4 bytes, and `CELLS`, the size of the whole. */
export type Layout<F extends Record<string, number>> = { readonly [K in keyof F]: number } & {
  readonly CELLS: number
}

/** Lay out `fields` one after another. The value of a field is how many 32-bit cells it takes. */
export function layout<const F extends Record<string, number>>(fields: F): Layout<F> {
  const offsets: Record<string, number> = {}
  let at = 0
  for (const [name, cells] of Object.entries(fields)) {
    offsets[name] = at
    at += cells
  }
  offsets.CELLS = at
  return offsets as Layout<F>
}
