/**
 * Ping-pong with a UDP echo server: each socket keeps a window of datagrams under way, and sends
 * one for each that came back. What is lost on the way is sent anew after a silence, and not
 * counted. Batches on this side, so that it is not what is measured.
 */
import { socketAddress } from '../../src/os/address.ts'
import { ERRNO } from '../../src/os/errno.ts'
import type { DatagramBatch, Os } from '../../src/os/os.ts'
import { INTEREST } from '../../src/os/poll/poller.ts'
import type { Measure, Target } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { checked } from './peers.ts'

export interface UdpLoad extends Target, Pace {
  readonly sockets: number
  /** At least 4: the number of the datagram. */
  readonly bytes: number
  /** Datagrams of a socket that may be under way. */
  readonly window: number
}

/** After it what is under way counts as lost. */
const SILENCE_MS = 100
/** A server that has not been given a core so far is waited for as long, once the time is up. */
const FIRST_MS_MAX = 10_000

interface Sender {
  readonly fd: number
  underWay: number
  last: number
}

export function runUdp(os: Os, load: UdpLoad): Measure {
  const address = socketAddress(load.host, load.port)
  if (address === undefined) throw new Error(`Cannot send to ${load.host}: it must be an IP`)
  const poller = os.createPoller()
  const senders = Array.from({ length: load.sockets }, (_, i): Sender => {
    const fd = checked(os, os.datagram(address.family))
    checked(os, os.connectDatagram(fd, address))
    checked(os, poller.add(fd, i, INTEREST.read))
    return { fd, underWay: 0, last: 0 }
  })
  const batch = os.createBatch(load.window, load.bytes)
  const tags = new Uint32Array(load.sockets)
  const ready = new Uint8Array(load.sockets)
  const runFor = (seconds: number): number => {
    let completed = 0
    const endsAt = performance.now() + seconds * 1000
    const isOn = (): boolean => {
      const late = performance.now() - endsAt
      return late < 0 || (completed === 0 && late < FIRST_MS_MAX)
    }
    while (isOn()) {
      const count = checked(os, poller.wait(tags, ready, SILENCE_MS))
      if (count === 0) for (const sender of senders) sender.underWay = 0
      for (let i = 0; i < count; i++) completed += receive(os, senders[tags[i]!]!, batch, load)
      for (const sender of senders) refill(os, sender, batch, load)
    }
    return completed
  }
  /** What came later would be met by whoever gets the same port next. */
  const finish = (): void => {
    while (senders.some(({ underWay }) => underWay > 0)) {
      const count = checked(os, poller.wait(tags, ready, SILENCE_MS))
      if (count === 0) return
      for (let i = 0; i < count; i++) receive(os, senders[tags[i]!]!, batch, load)
    }
  }
  try {
    for (const sender of senders) refill(os, sender, batch, load)
    runFor(load.warmSeconds)
    const startedAt = performance.now()
    const completed = runFor(load.seconds)
    const value = (completed * 1000) / (performance.now() - startedAt)
    finish()
    return { completed, value }
  } finally {
    for (const { fd } of senders) os.close(fd)
    poller.close()
  }
}

function receive(os: Os, sender: Sender, batch: DatagramBatch, { bytes }: UdpLoad): number {
  const count = os.receiveBatch(sender.fd, batch)
  if (count === -ERRNO.EAGAIN) return 0
  for (let i = 0; i < checked(os, count); i++) {
    const number = batch.region.bytes.readUInt32LE(i * batch.stride)
    const isGood = batch.lengths[i] === bytes && number < sender.last
    if (!isGood) throw new Error('The UDP server sent back what it had not got')
  }
  sender.underWay = Math.max(0, sender.underWay - count)
  return count
}

function refill(os: Os, sender: Sender, batch: DatagramBatch, { bytes, window }: UdpLoad): void {
  const count = window - sender.underWay
  if (count === 0) return
  for (let i = 0; i < count; i++) {
    batch.lengths[i] = bytes
    batch.region.bytes.writeUInt32LE(sender.last + i, i * batch.stride)
    // No address: to the connected peer.
    batch.region.bytes[i * batch.stride + bytes] = 0
  }
  const sent = os.sendBatch(sender.fd, batch, 0, count)
  if (sent === -ERRNO.EAGAIN || sent === -ERRNO.ECONNREFUSED) return
  sender.last += checked(os, sent)
  sender.underWay += sent
}
