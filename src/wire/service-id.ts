/** What names a service in a message. One that can be called is of the floor of services. */

/** Of the compiler alone: not all that has a `target` names a service. */
declare const SERVICE: unique symbol

export class ServiceId {
  declare readonly [SERVICE]: true
  /** Its handle, or a local name. */
  readonly target: number | string
  /** Nothing else has it: not what has the prototype alone, nor a Proxy. */
  readonly #isReal = true

  constructor(target: number | string) {
    this.target = target
  }

  /** @internal */
  static is(value: object): value is ServiceId {
    return #isReal in value && value.#isReal
  }
}

/** Whom a message is for: by what arrives in it for a service, that one calls. */
export interface Binder {
  bind(target: number | string): ServiceId
}

/** Nobody: it names a service, and that is all. */
export const UNBOUND: Binder = { bind: (target) => new ServiceId(target) }
