/** What the node is put through. Sizes are those of a full run; a short one scales them down. */
import type { HostilityName } from './hostility.ts'
import { forgottenPeers, rawSyns } from './python.ts'
import type { Rig } from './rig.ts'

const MIB = 1024 * 1024

export interface Crowd {
  readonly name: HostilityName
  readonly size: number
  readonly restMs: number
}

export interface Scenario {
  readonly name: string
  readonly crowds: readonly Crowd[]
  /** Well-behaved clients beside them, and how long each rests between bursts. */
  readonly controls: number
  readonly controlRestMs: number
  /** What the node may hold for one hostile client, besides what it needs for any load. */
  readonly heldBytes: number
  readonly heldWhy: string
  /** What must have happened at least once. */
  readonly mustCount: readonly string[]
  /** Beside the crowds; what it returns is printed. */
  readonly beside?: (rig: Rig, seconds: number, scale: number) => Promise<string>
}

/** A socket, a connection, their objects on two threads, a few small buffers. */
const QUIET = { heldBytes: 16 * 1024, heldWhy: 'objects of a connection' }
const USUAL = { controls: 20, controlRestMs: 20 }

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'slow readers',
    crowds: [{ name: 'slowReaders', size: 100, restMs: 2 }],
    ...USUAL,
    heldBytes: 2.25 * MIB,
    heldWhy: '1 MiB queued, the piece above it, and as much garbage',
    mustCount: ['asked', 'bytes read'],
  },
  {
    name: 'flooded peers',
    crowds: [{ name: 'floodedPeers', size: 4, restMs: 20 }],
    ...USUAL,
    heldBytes: 3 * 24_000_000,
    heldWhy: 'all 24 MB in blocks, then in the queue, and as much garbage',
    mustCount: ['dropped'],
  },
  {
    name: 'one-byte writers',
    crowds: [{ name: 'oneByteWriters', size: 200, restMs: 2 }],
    ...USUAL,
    ...QUIET,
    mustCount: ['lines answered'],
  },
  {
    name: 'half-open connections',
    crowds: [],
    ...USUAL,
    heldBytes: 2.25 * MIB,
    heldWhy: 'as for slow readers',
    mustCount: [],
    beside: halfOpen,
  },
  {
    name: 'SYN and vanish',
    crowds: [{ name: 'vanish', size: 64, restMs: 10 }],
    ...USUAL,
    ...QUIET,
    mustCount: ['vanished'],
    beside: async (rig, seconds) => {
      const sent = await rawSyns(await rig.port, seconds)
      return typeof sent === 'number' ? `${sent} raw SYN` : `raw SYN left out: ${sent}`
    },
  },
  {
    name: 'RST storm',
    crowds: [{ name: 'resetStorm', size: 64, restMs: 2 }],
    ...USUAL,
    heldBytes: 2.25 * MIB,
    heldWhy: 'as for slow readers',
    mustCount: ['resets'],
  },
  {
    name: 'connect and close storm',
    crowds: [{ name: 'visitors', size: 64, restMs: 2 }],
    ...USUAL,
    ...QUIET,
    mustCount: ['visits', 'answered'],
  },
  {
    name: 'idle and busy crowd',
    crowds: [
      { name: 'idle', size: 5000, restMs: 2 },
      { name: 'idle', size: 5000, restMs: 2 },
    ],
    controls: 1000,
    controlRestMs: 500,
    ...QUIET,
    mustCount: ['answered'],
  },
  {
    name: 'garbage',
    crowds: [{ name: 'garbage', size: 50, restMs: 5 }],
    ...USUAL,
    heldBytes: 0.25 * MIB,
    heldWhy: 'twice the receive buffer limit',
    mustCount: ['bytes', 'bytes back'],
  },
  {
    name: 'endless lines',
    crowds: [{ name: 'endlessLines', size: 10, restMs: 5 }],
    ...USUAL,
    heldBytes: 4 * MIB,
    heldWhy: 'a line of 1 MiB, the one before it, and as much garbage',
    mustCount: ['refused'],
  },
  {
    name: 'endless lines, byte by byte',
    crowds: [{ name: 'slowLines', size: 50, restMs: 1 }],
    ...USUAL,
    heldBytes: 0.25 * MIB,
    heldWhy: 'a line of fewer than 100,000 bytes, in pieces',
    mustCount: ['bytes'],
  },
  {
    name: 'FIN in the middle of a message',
    crowds: [{ name: 'halfMessages', size: 64, restMs: 2 }],
    ...USUAL,
    ...QUIET,
    mustCount: ['answered to the end'],
  },
]

/**
 * Two ways to be gone without a word. A process that is stopped: its kernel still acknowledges, and
 * nobody reads. Connections that their kernel has forgotten: only an answer by RST tells, so they
 * stay until the node says something.
 */
async function halfOpen(rig: Rig, seconds: number, scale: number): Promise<string> {
  const port = await rig.port
  const size = Math.max(5, Math.round(50 * scale))
  const stopped = await rig.peers({ name: 'askers', size, restMs: 1 })
  const before = await rig.connections()
  const forgotten = await forgottenPeers(port, size)
  process.kill(stopped.pid, 'SIGSTOP')
  await rig.pause(seconds)
  const held = await rig.connections()
  const expected = before + (typeof forgotten === 'number' ? forgotten : 0)
  if (held !== expected) rig.fault(`${held} connections are open instead of ${expected}`)
  process.kill(stopped.pid, 'SIGKILL')
  await rig.ask('say', { text: 'is anybody there?' })
  const what = `${size} connections of a stopped process, then killed`
  if (typeof forgotten !== 'number') return `${what}; forgotten ones left out: ${forgotten}`
  return `${what}; ${forgotten} forgotten by their kernel`
}
