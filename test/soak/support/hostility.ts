/** Ways to be a bad client. Each turn is short; between turns the process hears its orders. */
import { bulk } from './bulk.ts'
import { Wire } from './wire.ts'

export interface Hostility {
  turn(): void
  /** Leave, as badly as it pleases. */
  end(): void
  /** False while clients are still coming. Always there when absent. */
  readonly isReady?: boolean
}

/** What was done, by name. */
export type Done = Record<string, number>

export interface HostilityPlan {
  readonly port: number
  /** Clients at a time. */
  readonly size: number
  readonly done: Done
  /** The other side did what it must not. */
  readonly fault: (text: string) => void
}

type Start = (plan: HostilityPlan) => Hostility

const count = (done: Done, name: string, by = 1): void => {
  done[name] = (done[name] ?? 0) + by
}

/** So many that one turn after the other opens them, and no backlog overflows. */
const OPENED_A_TURN = 64

/** A crowd of `size`, each of which is replaced when its `act` says that it is done. */
function crowd<T>(
  { size }: HostilityPlan,
  open: (number: number) => T,
  act: (member: T) => 'stay' | 'gone',
  leave: (member: T) => void,
): Hostility {
  const members: T[] = []
  let number = 0
  return {
    get isReady() {
      return members.length >= size
    },
    turn() {
      for (let i = 0; i < OPENED_A_TURN && members.length < size; i++) members.push(open(number++))
      for (const [i, member] of members.entries()) {
        if (act(member) === 'gone') members[i] = open(number++)
      }
    },
    end: () => members.forEach(leave),
  }
}

/** Ask for more than they ever read, a byte now and then. */
const slowReaders: Start = (plan) => {
  let turn = 0
  return crowd(
    plan,
    (number) => {
      const wire = new Wire(plan.port, 4096)
      wire.say('bulk 2000000000\n')
      count(plan.done, 'asked')
      return { wire, number }
    },
    ({ wire, number }) => {
      wire.push()
      if ((number + turn++) % 8 !== 0) return 'stay'
      const at = wire.received
      const bytes = wire.pull(1)
      if (!bytes.equals(bulk(at, bytes.length))) plan.fault(`a wrong byte at ${at}`)
      if (wire.isOver) plan.fault('a slow reader was cut')
      count(plan.done, 'bytes read', bytes.length)
      return 'stay'
    },
    ({ wire }) => wire.reset(),
  )
}

/** Get 24 MB at once that they never read: more than the node keeps for one connection. */
const floodedPeers: Start = (plan) =>
  crowd(
    plan,
    () => {
      const wire = new Wire(plan.port, 4096)
      wire.say('flood 24000000\n')
      return wire
    },
    (wire) => {
      // Only an answer by RST tells that the other side has closed: nothing is read here.
      if (wire.hasSaidAll) wire.say('?')
      wire.push()
      if (!wire.isOver) return 'stay'
      wire.reset()
      count(plan.done, 'dropped')
      return 'gone'
    },
    (wire) => wire.reset(),
  )

/** Lines of one byte a packet; the answers are read and compared. */
const oneByteWriters: Start = (plan) =>
  crowd(
    plan,
    (number) => {
      const wire = new Wire(plan.port)
      return { wire, line: `${number} byte by byte\n`, got: '', isAsking: false }
    },
    (member) => {
      const { wire, line } = member
      if (!member.isAsking) wire.say(line)
      member.isAsking = true
      wire.push(1)
      member.got += wire.pull().toString('latin1')
      if (wire.isOver) plan.fault('a one-byte writer was cut')
      if (member.got === line) {
        member.got = ''
        member.isAsking = false
        count(plan.done, 'lines answered')
      } else if (!line.startsWith(member.got)) plan.fault(`a wrong answer: ${member.got}`)
      return 'stay'
    },
    ({ wire }) => wire.close(),
  )

/** As many bytes as are taken, and never an end of line; then the refusal is read. */
const endlessLines: Start = (plan) => {
  const piece = Buffer.alloc(64 * 1024, 'x')
  return crowd(
    plan,
    () => ({ wire: new Wire(plan.port), got: '' }),
    (member) => {
      const { wire } = member
      if (member.got === '' && wire.hasSaidAll) wire.say(piece)
      if (member.got === '') wire.push()
      member.got += wire.pull().toString('latin1')
      if (!wire.isOver && !member.got.endsWith('\n')) return 'stay'
      count(plan.done, 'bytes', wire.sent)
      if (member.got === 'error: line too long\n') count(plan.done, 'refused')
      else plan.fault(`an endless line was answered by '${member.got}'`)
      wire.close()
      return 'gone'
    },
    ({ wire }) => wire.reset(),
  )
}

/** A byte a turn, and never an end of line. */
const slowLines: Start = (plan) =>
  crowd(
    plan,
    () => new Wire(plan.port),
    (wire) => {
      if (wire.hasSaidAll) wire.say('x')
      const { sent } = wire
      wire.push(1)
      count(plan.done, 'bytes', wire.sent - sent)
      if (wire.isOver) plan.fault('a slow line was cut')
      return 'stay'
    },
    (wire) => wire.reset(),
  )

/** Noise, with ends of line where they happen to be. */
const garbage: Start = (plan) => {
  const noise = Buffer.alloc(64 * 1024)
  for (let i = 0; i < noise.length; i++) noise[i] = (Math.imul(i + 1, 2_654_435_761) >>> 13) & 0xff
  return crowd(
    plan,
    (number) => ({ wire: new Wire(plan.port), at: (number * 4093) % 32_768 }),
    (member) => {
      const { wire } = member
      if (wire.hasSaidAll) {
        wire.say(noise.subarray(member.at, member.at + 4096))
        member.at = (member.at + 1021) % 32_768
      }
      const { sent, received } = wire
      wire.push()
      wire.pull()
      count(plan.done, 'bytes', wire.sent - sent)
      count(plan.done, 'bytes back', wire.received - received)
      if (wire.isOver) plan.fault('somebody was cut for talking nonsense')
      return 'stay'
    },
    ({ wire }) => wire.reset(),
  )
}

/** FIN in the middle of a message: what was whole is answered, and so is the rest, then the end. */
const halfMessages: Start = (plan) =>
  crowd(
    plan,
    (number) => {
      const text = `line ${number}\nhalf of ${number}`
      const wire = new Wire(plan.port)
      wire.say(text)
      return { wire, text, got: '', hasEnded: false }
    },
    (member) => {
      const { wire, text } = member
      wire.push()
      if (wire.hasSaidAll && !member.hasEnded) {
        wire.end()
        member.hasEnded = true
      }
      member.got += wire.pull().toString('latin1')
      if (!wire.isOver) return 'stay'
      if (member.got === `${text}\n`) count(plan.done, 'answered to the end')
      else plan.fault(`'${text}' was answered by '${member.got}'`)
      wire.close()
      return 'gone'
    },
    ({ wire }) => wire.reset(),
  )

/** RST in the middle of reads and of writes of either side. */
const resetStorm: Start = (plan) =>
  crowd(
    plan,
    (number) => {
      const wire = new Wire(plan.port, (number & 4) === 0 ? 4096 : undefined)
      const texts = ['bulk 300000\n', 'half a line', 'answer me\n'.repeat(100), 'bulk 5000000\n']
      wire.say(texts[number & 3]!)
      return { wire, left: number % 5 }
    },
    (member) => {
      const { wire } = member
      wire.push()
      if ((member.left & 1) === 1) wire.pull(10_000)
      if (member.left-- > 0) return 'stay'
      wire.reset()
      count(plan.done, 'resets')
      return 'gone'
    },
    ({ wire }) => wire.reset(),
  )

/** Connect, and RST at once: most are gone before anybody accepts them. */
const vanish: Start = ({ port, size, done }) => ({
  turn() {
    const wires = Array.from({ length: size }, () => new Wire(port))
    for (const wire of wires) wire.reset()
    count(done, 'vanished', size)
  },
  end() {},
})

/** Come, say a line or nothing, and go by FIN or RST. */
const visitors: Start = (plan) =>
  crowd(
    plan,
    (number) => {
      const line = (number & 1) === 0 ? '' : `visitor ${number}\n`
      const wire = new Wire(plan.port)
      wire.say(line)
      return { wire, line, got: '', number }
    },
    (member) => {
      const { wire, line, number } = member
      wire.push()
      if (line !== '') member.got += wire.pull().toString('latin1')
      if (wire.isOver) plan.fault('a visitor was cut')
      else if (member.got.length < line.length) return 'stay'
      if (member.got !== line) plan.fault(`a visitor got '${member.got}'`)
      count(plan.done, 'visits')
      if (line !== '') count(plan.done, 'answered')
      if ((number & 2) === 0) wire.close()
      else wire.reset()
      return 'gone'
    },
    ({ wire }) => wire.close(),
  )

/** Say one line, hear it, and stay without a word. */
const idle: Start = (plan) => {
  const wires = new Map<Wire, string>()
  const quiet: Wire[] = []
  return {
    get isReady() {
      return quiet.length >= plan.size
    },
    turn() {
      for (let i = 0; i < OPENED_A_TURN && quiet.length + wires.size < plan.size; i++) {
        const wire = new Wire(plan.port)
        wire.say('hello\n')
        wires.set(wire, '')
      }
      for (const [wire, before] of wires) {
        wire.push()
        const got = before + wire.pull().toString('latin1')
        wires.set(wire, got)
        if (wire.isOver) plan.fault('an idle client was cut')
        if (got.length < 'hello\n'.length && !wire.isOver) continue
        wires.delete(wire)
        quiet.push(wire)
        count(plan.done, 'answered')
      }
    },
    end() {
      for (const wire of quiet) {
        wire.pull()
        if (wire.isOver) plan.fault('an idle client was cut')
        wire.close()
      }
    },
  }
}

/** Ask for much and read it, until the process is stopped or killed. */
const askers: Start = (plan) => {
  const wires: Wire[] = []
  return {
    get isReady() {
      return wires.length > 0 && wires.every(({ received }) => received > 0)
    },
    turn() {
      while (wires.length < plan.size) {
        const wire = new Wire(plan.port)
        wire.say('bulk 2000000000\n')
        wires.push(wire)
      }
      for (const wire of wires) {
        wire.push()
        wire.pull()
      }
    },
    end() {
      for (const wire of wires) wire.reset()
    },
  }
}

export const HOSTILITIES = {
  slowReaders,
  floodedPeers,
  oneByteWriters,
  endlessLines,
  slowLines,
  garbage,
  halfMessages,
  resetStorm,
  vanish,
  visitors,
  idle,
  askers,
} as const satisfies Record<string, Start>
export type HostilityName = keyof typeof HOSTILITIES
