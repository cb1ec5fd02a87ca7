/**
 * Requests of peers that services here have to answer. A callee that ends in order says so itself;
 * of one whose worker dies nobody does: then its callers are told here.
 */
import { SkynetError } from '../base/errors.ts'
import { PEER_ASKED_MAX } from '../base/limits.ts'
import { UNNAMED_CALL } from '../service/sendable.ts'
import type { BorderPeer, RemoteProxy } from './peer.ts'

/** Whom, and what it was asked, the caller knows. */
export const callDead = (sent: 'no' | 'maybe'): Error =>
  new SkynetError('ERR_CALL_DEAD', { ...UNNAMED_CALL, sent })

/** Answer a request of that proxy with an error. */
export type Refuse = (proxy: RemoteProxy, session: number, error: Error) => void

/**
 * @param node Name of this node.
 * @throws {SkynetError} `ERR_LINK_FULL`: too many requests of that peer have no answer.
 */
export function ask(
  proxy: RemoteProxy,
  session: number,
  callee: number,
  until: number,
  node: string,
): void {
  const { peer } = proxy
  if (peer.asking >= PEER_ASKED_MAX) {
    const info = { node, limit: PEER_ASKED_MAX, unit: 'requests', sent: 'no' } as const
    throw new SkynetError('ERR_LINK_FULL', info)
  }
  proxy.asked ??= new Map()
  if (!proxy.asked.has(session)) peer.asking++
  proxy.asked.set(session, { callee, until })
}

/** It has its answer. */
export function answered(proxy: RemoteProxy, session: number): void {
  if (proxy.asked?.delete(session) === true) proxy.peer.asking--
}

/** There is nobody any more who has asked. */
export function forgetAsked(proxy: RemoteProxy): void {
  proxy.peer.asking -= proxy.asked?.size ?? 0
  proxy.asked = undefined
}

/** Another service is to answer it now. */
export function redirected(proxy: RemoteProxy, session: number, callee: number): void {
  const asked = proxy.asked?.get(session)
  if (asked !== undefined) asked.callee = callee
}

/** Those whose callers have given up. */
export function dropLate({ proxies }: BorderPeer, now: number): void {
  for (const proxy of proxies.values()) {
    for (const [session, { until }] of proxy.asked ?? []) {
      if (until < now) answered(proxy, session)
    }
  }
}

/** A worker died, with those services. */
export function refuseDead(proxy: RemoteProxy, dead: ReadonlySet<number>, refuse: Refuse): void {
  const { asked } = proxy
  if (asked === undefined) return
  for (const [session, { callee }] of asked) {
    if (!dead.has(callee)) continue
    answered(proxy, session)
    refuse(proxy, session, callDead('maybe'))
  }
}
