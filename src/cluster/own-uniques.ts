/** What is one in the cluster, on the node of one service `.cluster`. */
import { SkynetError } from '../base/errors.ts'
import { BORDER_SWEEP_MS, HANDLE_ID_MAX } from '../base/limits.ts'
import { launchFrom } from '../launch/imported.ts'
import { launchOptions } from '../launch/options.ts'
import { askHome, orderHome } from '../service/ordering.ts'
import { causedBy } from '../service/sendable.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { FenceOrder, HandOverOrder, HoldOrder } from '../supervision/holding.ts'
import type { Drive } from './drive.ts'
import { Uniques } from './uniques.ts'

export function uniquesOn(skynet: Skynet, drive: () => Drive): Uniques {
  const service = Skynet.serviceOf(skynet)
  const site = Skynet.siteOf(skynet)
  const { runtime } = service
  const uniques = new Uniques({
    names: {
      owner: (name) => drive().node.names.owner(name),
      claim: (name, id) => drive().node.names.claim(name, id),
      release: (name, released) => drive().node.names.release(name, released),
      releaseAll: (released) => drive().node.names.releaseAll(released),
    },
    self: () => drive().self,
    launch: async ({ url, options }, fence) =>
      launchFrom(service, site, url, launchOptions(options), { fence }),
    handleOf: ({ node, epoch, id }) => {
      const { node: own, border } = drive()
      const peer = own.peer(node)
      if (peer === undefined || peer.epoch !== epoch) return 0
      return border.handleFor(border.peerUp(peer), id)
    },
    idOf: (handle) => handle & HANDLE_ID_MAX,
    isAlive: (handle) => skynet.isAlive(handle),
    hold: (handle, isOn) => {
      const order: HoldOrder = { order: 'hold', handle, isOn }
      orderHome(runtime, 0, 0, order)
    },
    handOver: (handle) => {
      const order: HandOverOrder = { order: 'handOver', handle }
      // As long as its exit hooks may take, and a little for the way.
      return askHome(service, order, { timeoutMs: 2 * runtime.exitMs })
    },
    fence: (handle, name, token, current) => {
      // Its service may be here, and gets no part of what the cluster holds.
      const own = { token: [...token] as const, current: current && ([...current] as const) }
      const order: FenceOrder = { order: 'fence', handle, name, ...own }
      orderHome(runtime, 0, 0, order)
    },
    timeout: (ms, task) => skynet.timeout(ms, task),
    complain: (text) => skynet.error(text),
    log: (text) => skynet.log(text),
  })
  skynet.interval(BORDER_SWEEP_MS, () => uniques.sweep())
  return uniques
}

/**
 * Nobody had it in time.
 *
 * @param lost Why the store is out of reach; undefined: it is there.
 */
export function uniqueLate(name: string, timeoutMs: number, lost: unknown): Error {
  const to = lost === undefined ? 'the cluster' : 'the cluster, whose store is out of reach'
  const info = { to, method: `unique ${name}`, timeoutMs, sent: 'maybe' } as const
  return new SkynetError('ERR_CALL_TIMEOUT', info, causedBy(lost))
}
