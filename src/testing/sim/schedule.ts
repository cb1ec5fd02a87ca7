/** One run of the simulated node from a seed: steps by chance, then an end, then what must hold. */
import assert from 'node:assert/strict'
import { byWeight } from '../random-steps.ts'
import type { Random } from './random.ts'
import type { Step } from './step.ts'
import { STEPS } from './steps.ts'
import { World } from './world.ts'

/** How many steps a run has. */
const STEPS_MIN = 20
export const STEPS_MAX = 100
/** Rounds after which everything must have ended once everybody helps. */
const END_ROUNDS_MAX = 400
/** Of this many runs one ends by `exit` while everything is still open. */
const ABRUPT_END = 16
/** Of this many others in one no peer does anything any more. */
const LONELY_END = 16
/** Of this many others one ends by `exit`, and with a look at each slot there is. */
const EXITS = 32
const GRACES_MS = [0, 50, 3000] as const

const WEIGHTED = byWeight(STEPS)
/** So that there is somebody to talk to. */
const FIRST_STEPS: readonly Step[] = ['listen', 'start listener', 'serve'].map(
  (wanted) => STEPS.find(({ name }) => name === wanted)!,
)
/** What its randomness is, beside that of the steps, which are counted from 1. */
const END_PART = -1

/**
 * One run.
 *
 * @param skipped Steps to leave out. The others do what they did: each has randomness of its own.
 */
export function run(seed: number, skipped: ReadonlySet<number> = NONE, trace?: string[]): void {
  const world = new World(seed, trace)
  const { random } = world
  const steps = random.between(STEPS_MIN, STEPS_MAX)
  for (let index = 0; index < steps; index++) {
    if (skipped.has(index)) continue
    random.restart(seed, index + 1)
    const step = FIRST_STEPS[index] ?? random.pick(WEIGHTED)
    const at = trace?.length ?? 0
    let detail: unknown = 'fails'
    try {
      detail = step.run(world)
    } finally {
      // Before what it led to.
      if (detail !== undefined) trace?.splice(at, 0, `${index} ${step.name} ${detail}`)
    }
  }
  trace?.push('everybody behaves from here on')
  random.restart(seed, END_PART)
  behave(world)
  end(world)
}
const NONE: ReadonlySet<number> = new Set()

function end(world: World): void {
  const { random } = world
  if (random.oneIn(ABRUPT_END)) endAbruptly(world, random)
  else if (random.oneIn(LONELY_END)) endLonely(world)
  else endPolitely(world)
}

/** No more faults; workers hear. */
function behave(world: World): void {
  world.faults.areOn = false
  world.os.fdsMax = Number.POSITIVE_INFINITY
  for (const worker of world.workers) worker.isDeaf = false
  world.os.network.settle(true)
}

/** Everybody takes a turn until nothing happens any more. */
function settle(world: World, arePeersDone: boolean): void {
  for (let round = 0; round < END_ROUNDS_MAX; round++) {
    world.os.network.settle(true)
    for (const peer of world.peers) peer.behave()
    world.rest()
    let hasWorked = world.os.network.isConnecting
    for (const worker of world.workers) {
      if (world.work(worker, EVENTS_PER_ROUND) > 0 || worker.client.isBlocked) hasWorked = true
    }
    for (const peer of world.peers) {
      const happened = arePeersDone ? peer.finish() : peer.read(READ_PER_ROUND) > 0
      if (happened) hasWorked = true
    }
    if (hasWorked || !world.isAsleep) continue
    // An accept that pauses goes on by itself; a close that waits for its peer is not waited for.
    if (world.asleepUntil - world.now > ACCEPT_PAUSE_MS) return
    world.passTime(ACCEPT_PAUSE_MS)
  }
  assert.fail('not everything comes to its end')
}
const EVENTS_PER_ROUND = 1 << 20
const READ_PER_ROUND = 128 * 1024
const ACCEPT_PAUSE_MS = 100

function endPolitely(world: World): void {
  settle(world, false)
  for (const { holding } of world.holdings()) {
    holding.checkArrived()
    const isAccepting = holding.phase === 'listening' && holding.hasStarted
    if (!isAccepting) continue
    const waiting = world.os.network.waitingAt(holding.socket.port)
    assert.equal(waiting, 0, `listener ${holding.socket.id}: somebody waits to be accepted`)
  }
  for (const udp of world.udps) udp.checkArrived()
  if (world.settings.idleTimeoutMs > 0) endIdle(world)
  closeAll(world)
  settle(world, true)
  assert.equal(
    world.server.sockets.count,
    0,
    'sockets that have not ended once everybody closed and read',
  )
  if (world.random.oneIn(EXITS)) {
    world.checkTotals()
    order(world, 0)
    world.rest()
    assert.ok(world.hasExited, 'exit ends the loop')
  }
  finish(world, true)
}

function closeAll(world: World): void {
  for (const { owner, holding } of world.holdings()) {
    if (holding.phase !== 'moved' && holding.phase !== 'failed') owner.close(holding)
  }
  for (const owner of world.owners) {
    for (const udp of owner.udps.values()) if (udp.phase !== 'over') owner.closeUdp(udp)
  }
}

/** Nobody says anything any more: what may be idle for so long only has ended after it. */
function endIdle(world: World): void {
  passQuietly(world, world.settings.idleTimeoutMs * 2)
  for (const { holding } of world.holdings()) {
    const { id, settings, isClosing } = holding.socket
    if (settings.idleTimeoutMs === 0 || isClosing) continue
    assert.notEqual(holding.phase, 'open', `socket ${id} is idle, and nobody ends it`)
  }
}

/** Closing takes no longer than it may, whatever the peers do. */
function endLonely(world: World): void {
  for (const peer of world.peers) peer.vanish()
  // Everybody hears of what there is.
  passQuietly(world, 2 * QUIET_STEP_MS)
  closeAll(world)
  const lingersMs = [...world.sockets.values()].map(({ settings }) => settings.lingerMsMax)
  // Once while it connects, once while it flushes; then for the FIN.
  passQuietly(world, Math.max(0, ...lingersMs) * 2 + LONELY_MS)
  assert.equal(
    world.server.sockets.count,
    0,
    'sockets that have not ended, long after they were closed',
  )
  finish(world, true)
}

function passQuietly(world: World, ms: number): void {
  for (let passed = 0; passed < ms; passed += QUIET_STEP_MS) {
    world.rest()
    for (const worker of world.workers) world.work(worker, EVENTS_PER_ROUND)
    world.passTime(QUIET_STEP_MS)
  }
  world.rest()
  for (const worker of world.workers) world.work(worker, EVENTS_PER_ROUND)
}
const QUIET_STEP_MS = 200
const LONELY_MS = 3000

function endAbruptly(world: World, random: Random): void {
  for (let round = 0; world.workers.some(({ client }) => client.isBlocked); round++) {
    assert.ok(round < END_ROUNDS_MAX, 'orders that wait get their turn')
    for (const worker of world.workers) world.work(worker, EVENTS_PER_ROUND)
    world.rest()
  }
  world.isExiting = true
  for (const socket of world.sockets.values()) socket.cut('exit was ordered')
  for (const udp of world.udps) udp.isClosing = true
  const graceMs = random.pick(GRACES_MS)
  order(world, graceMs)
  const deadline = world.now + graceMs
  while (!world.hasExited) {
    world.rest()
    for (const worker of world.workers) world.work(worker, EVENTS_PER_ROUND)
    assert.ok(world.now <= deadline, 'exit takes no longer than it may')
    if (!world.hasExited) world.passTime(Math.max(1, Math.ceil((deadline - world.now) / 2)))
  }
  finish(world, false)
}

function order(world: World, graceMs: number): void {
  world.workers[0]!.client.order('exit', 0, graceMs)
}

function finish(world: World, isClean: boolean): void {
  if (world.hasExited) world.server.sockets.closeAll()
  world.workToTheEnd()
  for (const socket of world.sockets.values()) socket.checkHeld()
  for (const { holding } of world.holdings()) {
    const { socket, asked, phase, drains } = holding
    if (!isClean && phase === 'opening') continue
    assert.ok(holding.isOver, `socket ${socket.id}: its owner was not told the end: ${phase}`)
    if (!isClean) continue
    drains.checkAnswered()
    if (holding.isEarlyClosed) continue
    assert.equal(asked, 0, `socket ${socket.id}: an order has no answer`)
  }
  for (const owner of world.owners) for (const udp of owner.udps.values()) udp.checkEnd(isClean)
  world.checkEnd(isClean)
}
