/** The example of a login: its client, sessions that end, and a load in little. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isSkynetError } from 'skynet-ts'
import { FakeClock, testNode } from 'skynet-ts/testing'
import agent from '../../examples/login/agent.ts'
import { logIn } from '../support/login-client.ts'
import { Player, playAll, startLogin, tokenOf } from '../support/login-load.ts'
import { startTestNode } from '../support/node.ts'

const CLIENT = new URL('../../examples/login/client.config.ts', import.meta.url)

suite('examples/login', () => {
  test('the client asks, comes back, and gets what it had asked', async (t) => {
    const { loginPort, gamePort, assertNoFault } = await startLogin(t)
    const ports = [`env.LOGIN_PORT=${loginPort}`, `env.GAME_PORT=${gamePort}`]
    const client = await startTestNode(t, CLIENT, ports)
    assert.equal(await client.node.exited, 0)
    assert.match(client.log(), /logged in, subid = 1\n/)
    assert.match(client.log(), /answer 0: echo\n.*answer 1: again\n/)
    client.assertNoFault()
    assertNoFault()
  })

  test('a wrong password is a 401, an unknown server a 403', async (t) => {
    const { loginPort } = await startLogin(t)
    const refused = (status: number) => (error: unknown) =>
      isSkynetError(error, 'ERR_LOGIN') && error.info.status === status
    for (const token of [tokenOf('ada', 'guess'), 'ada', '', tokenOf('ada').slice(0, -2)]) {
      await assert.rejects(logIn(loginPort, token), refused(401), token)
    }
    await assert.rejects(logIn(loginPort, tokenOf('ada', 'password', 'other')), refused(403))
  })

  test('who logs in again ends the session before', async (t) => {
    const example = await startLogin(t)
    const [first, second] = [new Player(example, 'ada', 'stays'), new Player(example, 'ada', 'fin')]
    await first.begin()
    await second.begin()
    await first.isClosed()
    await second.play(3)
    await second.leave()
    example.assertNoFault()
  })

  test('a session ends with its agent', async (t) => {
    const example = await startLogin(t)
    const player = new Player(example, 'ada', 'stays')
    await player.begin()
    const [, handle] = await example.logged(/\[:([0-9a-f]{8}) \S+\] ada plays/)
    example.node.ref<typeof agent>(Number.parseInt(handle!, 16)).send.quit()
    await player.isClosed()
    await assert.rejects(player.comeBack(), /404 User Not Found/)
    await player.begin()
    await player.leave()
    example.assertNoFault()
  })

  test('an agent ends after 10 minutes when its client never comes, or stays away', async () => {
    const clock = new FakeClock()
    await using node = await testNode({ clock })
    const never = await node.launch(agent, { args: ['ada'] })
    const plays = await node.launch(agent, { args: ['bob'] })
    const asked = plays.call.request(Buffer.from('hello'))
    await clock.advance(600_000)
    assert.equal(`${await asked}`, 'hello')
    assert.deepEqual(
      [never, plays].map((one) => node.skynet.isAlive(one)),
      [false, true],
    )
    await plays.call.afk()
    await clock.advance(600_000)
    assert.equal(node.skynet.isAlive(plays), false)
  })

  test('60 players, half of them cut and back, get each answer once, in order', (t) =>
    playAll(t, { players: 60, requests: 20 }))
})
