/** The pollers there are, by name, and which one is used. */
import { SkynetError } from '../../base/errors.ts'
import type { Libc } from '../libc.ts'
import { createEpoll } from './epoll.ts'
import { createKqueue } from './kqueue.ts'
import { createPoll } from './poll.ts'
import type { Poller } from './poller.ts'

export const POLLERS = {
  epoll: createEpoll,
  // Only to measure against: the contract of the pollers is level-triggered.
  'epoll-edge': (libc: Libc) => createEpoll(libc, { isEdgeTriggered: true }),
  kqueue: createKqueue,
  poll: createPoll,
} as const satisfies Record<string, (libc: Libc) => Poller>

export type PollerName = keyof typeof POLLERS

/**
 * What `SKYNET_POLLER` in the environment says, else the best of the platform.
 *
 * @throws {SkynetError} `ERR_CONFIG_VALUE` no poller is called that.
 */
export function defaultPoller(): PollerName {
  const value = process.env.SKYNET_POLLER ?? ''
  if (value === '') return process.platform === 'linux' ? 'epoll' : 'kqueue'
  if (Object.hasOwn(POLLERS, value)) return value as PollerName
  const expected = Object.keys(POLLERS).join(', ')
  throw new SkynetError('ERR_CONFIG_VALUE', { key: 'SKYNET_POLLER', expected, value })
}
