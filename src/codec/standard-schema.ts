/**
 * What validators of any vendor are (zod, valibot, arktype …): the interface that they have
 * agreed on, https://standardschema.dev, as far as it is used here.
 */

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** A value that is good, or what is wrong with it: never both. */
export type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] }

export interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What may be given to a validator. */
export type InputOf<S> = S extends StandardSchema<infer Input, unknown> ? Input : never

/** What a validator gives. */
export type OutputOf<S> = S extends StandardSchema<infer _, infer Output> ? Output : never

/** `items[2].name`, behind `root`. */
export function pathOf(root: string, path: Issue['path'] = []): string {
  return path.reduce<string>((text, step) => {
    const key = typeof step === 'object' ? step.key : step
    if (typeof key === 'number') return `${text}[${key}]`
    const name = String(key)
    return /^[A-Za-z_$][\w$]*$/.test(name) ? `${text}.${name}` : `${text}[${JSON.stringify(name)}]`
  }, root)
}
