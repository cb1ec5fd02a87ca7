/** What stands for a field that is not there. */
import { memory } from './memory.ts'
import { type FieldPlan, FORM, type TypePlan, VALUE_KIND } from './plan.ts'

/** Nothing, no, zero: as in Skynet. Of a struct nothing, as it may hold one of its own kind. */
export function defaultsOf(plan: TypePlan): Record<string, unknown> {
  const entries = plan.fields
    .filter(({ kind, form }) => kind !== VALUE_KIND.struct || form !== FORM.one)
    .map((field) => [field.name, defaultOf(field)] as const)
  return Object.fromEntries(entries)
}

function defaultOf({ kind, form }: FieldPlan): unknown {
  if (form === FORM.array) return []
  if (form !== FORM.one) return new Map()
  switch (kind) {
    case VALUE_KIND.boolean:
      return false
    case VALUE_KIND.string:
      return ''
    case VALUE_KIND.binary:
      return memory.take(0)
    default:
      return 0
  }
}
