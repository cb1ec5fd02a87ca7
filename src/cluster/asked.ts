/**
 * Requests of peers that services here have to answer. A callee that ends in order says so itself;
 * of one whose worker dies nobody does: then its callers are told here.
 */
import { SkynetError } from '../base/errors.ts'
import type { BorderPeer, RemoteProxy } from './peer.ts'

/** Answer a request of that proxy with an error. */
export type Refuse = (proxy: RemoteProxy, session: number, error: Error) => void

export function ask(proxy: RemoteProxy, session: number, callee: number, until: number): void {
  proxy.asked ??= new Map()
  proxy.asked.set(session, { callee, until })
}

/** It has its answer. */
export function answered(proxy: RemoteProxy, session: number): void {
  proxy.asked?.delete(session)
}

/** Another service is to answer it now. */
export function redirected(proxy: RemoteProxy, session: number, callee: number): void {
  const asked = proxy.asked?.get(session)
  if (asked !== undefined) asked.callee = callee
}

/** Those whose callers have given up. */
export function dropLate({ proxies }: BorderPeer, now: number): void {
  for (const { asked } of proxies.values()) {
    if (asked === undefined) continue
    for (const [session, { until }] of asked) if (until < now) asked.delete(session)
  }
}

/** A worker died, with those services. */
export function refuseDead(proxy: RemoteProxy, dead: ReadonlySet<number>, refuse: Refuse): void {
  const { asked } = proxy
  if (asked === undefined) return
  for (const [session, { callee }] of asked) {
    if (!dead.has(callee)) continue
    asked.delete(session)
    const info = { to: `its callee`, method: 'a request', sent: 'maybe' as const }
    refuse(proxy, session, new SkynetError('ERR_CALL_DEAD', info))
  }
}
