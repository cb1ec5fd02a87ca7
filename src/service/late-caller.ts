/**
 * Who calls by the references in an order to a worker. An order may be for a service that is not
 * there yet, as the arguments of a launch are: it is told which one when it begins.
 */
import type { Binder } from '../wire/service-id.ts'
import { type Caller, ServiceRef } from './ref.ts'

export class LateCaller implements Caller, Binder {
  /** Set before anybody can have one of these references in hand. */
  service!: Caller

  bind(target: number | string): ServiceRef {
    return new ServiceRef(this, target)
  }

  get runtime(): Caller['runtime'] {
    return this.service.runtime
  }

  callMethod(...[to, message, options]: Parameters<Caller['callMethod']>): Promise<unknown> {
    return this.service.callMethod(to, message, options)
  }

  sendMethod(to: number, message: unknown[]): boolean {
    return this.service.sendMethod(to, message)
  }
}
