/** Both sides of a login against what Skynet's sides said: test/vectors/login.json. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { vectorsOf } from '../testing/vectors.ts'
import { crypt } from './crypt.ts'
import { LoginHandshake, LoginRequest } from './login-handshake.ts'

interface Step {
  readonly dir: 's2c' | 'c2s'
  readonly hex?: string
}
interface Row {
  readonly label: string
  readonly clientKey: string
  readonly transcript?: readonly Step[]
}

const rows = vectorsOf<{ login: readonly Row[] }>('login').login
const lineOf = ({ hex = '' }: Step): string => Buffer.from(hex, 'hex').toString().slice(0, -1)

/** Hand the lines to one side, until the other has nothing to say. Returns the ticket. */
function talk(server: LoginHandshake, client: LoginRequest): void {
  const toClient: string[] = []
  const toServer: string[] = []
  server.begin((line) => toClient.push(line))
  while (toClient.length + toServer.length > 0) {
    for (const line of toClient.splice(0)) client.take(line, (next) => toServer.push(next))
    for (const line of toServer.splice(0)) server.take(line, (next) => toClient.push(next))
  }
}

suite('a login', () => {
  test('a client says to a server of Skynet what a client of Skynet says', () => {
    const good = rows.filter(({ transcript }) => transcript?.some((step) => isYes(step)))
    assert.equal(good.length, 2)
    for (const { label, clientKey, transcript = [] } of good) {
      const token = 'aGVsbG8=@c2FtcGxl:cGFzc3dvcmQ='
      const request = new LoginRequest(token, Buffer.from(clientKey, 'hex'))
      const lines = (dir: Step['dir']): string[] =>
        transcript.filter((step) => step.dir === dir && step.hex !== undefined).map(lineOf)
      const said: string[] = []
      const tickets = lines('s2c').map((line) => request.take(line, (next) => said.push(next)))
      assert.deepEqual(said, lines('c2s'), label)
      assert.match(tickets.at(-1)!.subid, /^[12]$/)
    }
  })

  test('both sides come to the secret and the token', () => {
    const server = new LoginHandshake()
    talk(server, new LoginRequest('who I am'))
    assert.equal(server.token?.toString(), 'who I am')
    assert.equal(server.step, 'done')
    assert.notDeepEqual(server.secret, Buffer.alloc(8))
  })

  test('a server refuses what does not prove the secret, of any length', () => {
    for (const proof of [crypt.randomKey(), Buffer.alloc(0), Buffer.alloc(9)]) {
      const server = new LoginHandshake()
      server.take(crypt.base64Encode(crypt.dhExchange(crypt.randomKey())), () => {})
      const isRefused = (error: unknown): boolean =>
        isSkynetError(error, 'ERR_LOGIN') && error.info.status === 401
      assert.throws(() => server.take(crypt.base64Encode(proof), () => {}), isRefused)
      assert.equal(server.token, undefined)
    }
  })

  test('a server answers a key that is zero, and then refuses it', () => {
    const said: string[] = []
    const zero = crypt.base64Encode(Buffer.alloc(8))
    const server = new LoginHandshake()
    assert.throws(() => server.take(zero, (line) => said.push(line)))
    assert.equal(said.length, 1)
    assert.equal(server.step, 'key')
  })

  test('a client takes a refusal at every step', () => {
    const line = crypt.base64Encode(crypt.dhExchange(crypt.randomKey()))
    for (let steps = 0; steps <= 2; steps++) {
      const request = new LoginRequest('token')
      for (let step = 0; step < steps; step++) request.take(line, () => {})
      const isRefused = (error: unknown): boolean =>
        isSkynetError(error, 'ERR_LOGIN') &&
        error.info.status === 406 &&
        error.info.reason === 'Not Acceptable'
      assert.throws(() => request.take('406 Not Acceptable', () => {}), isRefused)
    }
  })

  test('a client answers each key once: what a server says besides is refused', () => {
    const line = crypt.base64Encode(crypt.dhExchange(crypt.randomKey()))
    const request = new LoginRequest('token')
    const said: string[] = []
    const say = (next: string): void => void said.push(next)
    const isCrypt = (error: unknown): boolean => isSkynetError(error, 'ERR_CRYPT')
    for (const wrong of ['200 MQ==', '200 ']) assert.throws(() => request.take(wrong, say), isCrypt)
    for (let n = 0; n < 2; n++) request.take(line, say)
    assert.equal(said.length, 3)
    for (let n = 0; n < 2; n++) assert.throws(() => request.take(line, say), isCrypt)
    assert.equal(said.length, 3)
    assert.equal(request.take('200 MQ==', say)!.subid, '1')
  })

  test('a client takes no yes before there is a secret, and no line that nobody says', () => {
    const request = new LoginRequest('token')
    for (const line of ['200 MQ==', '', 'AAAA', 'no base64?', crypt.base64Encode('123456789')]) {
      assert.throws(
        () => request.take(line, () => {}),
        (error: unknown) => isSkynetError(error, 'ERR_CRYPT') || isSkynetError(error, 'ERR_LOGIN'),
        line,
      )
    }
  })
})

const isYes = (step: Step): boolean => step.dir === 's2c' && lineOf(step).startsWith('200 ')
