/** What Skynet's message server said to its clients: test/vectors/login.json, to be said again. */
import assert from 'node:assert/strict'
import { vectorsOf } from '../testing/vectors.ts'
import { requestFrame } from './msg-frame.ts'

interface Step {
  readonly dir: 's2c' | 'c2s'
  readonly hex?: string
  readonly meaning?: string
  readonly event?: string
}

export interface Row {
  readonly label: string
  readonly transcript: readonly Step[]
}

const { login, msgserver: rows } = vectorsOf<{
  login: readonly { readonly label: string; readonly secret: string }[]
  msgserver: readonly Row[]
}>('login')

/** Is a fault there: the connection is closed without an answer, as that does not fit. */
const FAULT = 'largest request'
/** Has no bytes: what was cached is told in words. */
const CACHED = 'reconnect and repeat old sessions'

const begin = (label: string): number => rows.findIndex((row) => row.label.startsWith(label))

/** The rows, in their order: what is used up by one is used up for the next. */
export const MSG_ROWS = rows.filter((_, at) => at !== begin(FAULT) && at !== begin(CACHED))

const secretOf = (label: string): Buffer =>
  Buffer.from(login.find((row) => row.label.startsWith(label))!.secret, 'hex')

/** Who is logged in: from the first row on, and from `from` on. */
export const MSG_USERS = [
  { username: 'aGVsbG8=@c2FtcGxl#MQ==', secret: secretOf('good login'), from: MSG_ROWS[0]!.label },
  {
    username: 'aGVsbG8=@c2FtcGxl#Mg==',
    secret: secretOf('login again'),
    from: 'old subid after the second login: 404',
  },
] as const

/** A client that sends frames and gets frames. */
export interface MsgClient {
  send(frame: Buffer): void
  /** Undefined: the server has closed. */
  next(): Promise<Buffer | undefined>
  close(): void
}

/** Who answers the requests, once it is told to. It may be in another service. */
export interface Game {
  isHeld(body: Buffer): boolean | Promise<boolean>
  answer(body: Buffer): unknown
}

/** A game that says what it is asked. */
export class EchoOnDemand implements Game {
  readonly #held: { readonly body: Buffer; readonly answer: (body: Buffer) => void }[] = []
  /** How often it was asked, by body. */
  readonly asked: string[] = []

  readonly request = (_username: string, body: Buffer): Promise<Buffer> => {
    this.asked.push(body.subarray(0, 16).toString())
    return new Promise((answer) => this.#held.push({ body: Buffer.from(body), answer }))
  }

  isHeld(body: Buffer): boolean {
    return this.#held.some((one) => one.body.equals(body))
  }

  /** Answer all that it was asked with that body. */
  answer(body: Buffer): void {
    for (const one of this.#held.filter((each) => each.body.equals(body))) {
      this.#held.splice(this.#held.indexOf(one), 1)
      one.answer(one.body)
    }
  }
}

const ANSWER_BYTES = 5
let barriers = 0

/** The whole frame, without its length; long ones are told by their first bytes. */
function frameOf(hex: string): { frame: Buffer; isCut: boolean; size: number } {
  const isCut = hex.includes('..')
  const bytes = Buffer.from(hex.replace(/\.\..*$/, ''), 'hex')
  const size = bytes.readUInt16BE()
  if (!isCut) return { frame: bytes.subarray(2), isCut, size }
  const frame = Buffer.alloc(size, bytes[2]!)
  frame.writeUInt32BE(301, size - 4)
  return { frame, isCut, size }
}

/** Frames of one write that Skynet's client sent. */
function* framesIn(hex: string): Generator<Buffer> {
  if (hex.includes('..')) {
    yield frameOf(hex).frame
    return
  }
  for (let rest = Buffer.from(hex, 'hex'); rest.length > 0; ) {
    const end = 2 + rest.readUInt16BE()
    yield rest.subarray(2, end)
    rest = rest.subarray(end)
  }
}

const isHandshake = (step: Step): boolean => /^aGVsbG8=@|^handshake and/.test(step.meaning ?? '')

/**
 * Say what a client of Skynet said, and compare.
 *
 * @param wait Resolves when the look finds something.
 */
export async function replay(
  row: Row,
  connect: () => Promise<MsgClient>,
  game: Game,
  wait: (look: () => boolean | Promise<boolean>) => Promise<unknown>,
): Promise<void> {
  const clients: MsgClient[] = []
  /** What came while the barrier was waited for. */
  const early: Buffer[] = []
  let client: MsgClient | undefined
  let isEntered = false
  let isClosed = false

  /** The server has handled what was sent before. */
  const barrier = async (): Promise<void> => {
    if (!isEntered || isClosed) return
    const body = Buffer.from(`barrier ${++barriers}`)
    client!.send(requestFrame(body, 0xf0000000 + barriers))
    await wait(() => game.isHeld(body))
    await game.answer(body)
    for (;;) {
      const frame = await client!.next()
      assert.ok(frame !== undefined, row.label)
      if (frame.subarray(0, -ANSWER_BYTES).equals(body)) return
      early.push(frame)
    }
  }
  const next = async (): Promise<Buffer | undefined> => early.shift() ?? (await client!.next())

  const willClose = row.transcript.some(({ event }) => event === 'closed by server')
  for (const step of row.transcript) {
    const { dir, hex, event } = step
    if (dir === 'c2s' && hex !== undefined) {
      if (client === undefined || isHandshake(step)) {
        client = await connect()
        clients.push(client)
        isEntered = false
      }
      for (const frame of framesIn(hex)) client.send(frame)
    } else if (event === 'client closes') client!.close()
    else if (event?.startsWith('nothing')) {
      await barrier()
      assert.equal(early.length, 0, row.label)
    } else if (event === 'closed by server') {
      assert.equal(isClosed ? undefined : await next(), undefined, row.label)
      isClosed = true
    } else {
      const { frame, isCut, size } = frameOf(hex!)
      const body = frame.subarray(0, -ANSWER_BYTES)
      if (!willClose) await barrier()
      await game.answer(body)
      const heard = await next()
      if (isCut) assert.equal(heard?.length, size, row.label)
      else assert.equal(heard?.toString('hex'), frame.toString('hex'), row.label)
      if (`${heard}` === '200 OK') isEntered = true
    }
  }
  for (const each of clients) each.close()
}
