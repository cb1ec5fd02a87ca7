/** Servers of NATS for a test: one, or three that are a cluster; killed, held, started again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { CuttingProxy } from './cutting-proxy.ts'
import { freePort } from './free-port.ts'
import { listens } from './listens.ts'
import type { Networks } from './networks.ts'
import { until } from './until.ts'

/** Debian puts it where only root looks for programs. */
const COMMANDS = ['nats-server', '/usr/sbin/nats-server']

/** What a test says that needs it where it is not installed. */
export const NATS_LEFT_OUT =
  'left out: what needs nats-server, which is not installed: apt-get install nats-server'

const isThere = (command: string): boolean =>
  spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0

let found: { command: string | undefined } | undefined

function command(): string | undefined {
  found ??= { command: COMMANDS.find(isThere) }
  return found.command
}

export const isNatsInstalled = (): boolean => command() !== undefined

/** Hosts of servers that have networks of their own, which are their names, too. */
export const SERVERS = ['s0', 's1', 's2'] as const

const HOME = '127.0.0.1'
const TOKEN = 'a token that only the nodes of a test know'

/** Beyond this machine nodes go to no server without. */
interface Credentials {
  readonly token?: string
}

/** Where a server is that has a network of its own. */
interface Place {
  readonly networks: Networks
  readonly host: string
}

export interface NatsServerOptions {
  /** More lines of its config file: `authorization { … }`, say. */
  readonly config?: string
  readonly jetstream?: boolean
  readonly place?: Place | undefined
}

export class NatsServer implements AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly credentials: Credentials
  readonly #address: string
  readonly #before: readonly string[]
  readonly #folder: string
  readonly #http: number
  readonly #own: string
  #config: string
  #process: ChildProcess | undefined

  private constructor(port: number, http: number, options: NatsServerOptions) {
    this.port = port
    const { jetstream = true, config = '', place } = options
    const address = place?.networks.address(place.host) ?? HOME
    this.#address = address
    this.#before = place?.networks.before(place.host) ?? []
    this.url = `nats://${address}:${port}`
    this.credentials = place === undefined ? {} : { token: TOKEN }
    this.#http = http
    this.#folder = mkdtempSync(join(tmpdir(), 'skynet-nats-'))
    const store = `jetstream { store_dir: "${this.#folder}" }`
    const own = [`listen: "${address}:${port}"`, `http: "${address}:${http}"`]
    const asks = `authorization { token: "${TOKEN}" }`
    const lines = [...own, ...(jetstream ? [store] : []), ...(place === undefined ? [] : [asks])]
    this.#own = lines.join('\n')
    this.#config = config
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const server = await NatsServer.prepare(options)
    try {
      await server.start()
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
    return server
  }

  /** One that is not started yet. */
  static async prepare(options: NatsServerOptions = {}): Promise<NatsServer> {
    return new NatsServer(await freePort(), await freePort(), options)
  }

  /** Again, at the same port: with what it has kept in files, without what was in memory. */
  async start(): Promise<void> {
    this.launch()
    await this.isReady()
  }

  launch(): void {
    const words = ['-c', this.#write(), '-l', join(this.#folder, 'log')]
    const [first, ...others] = [...this.#before, command()!, ...words]
    this.#process = spawn(first!, others, { stdio: 'ignore' })
  }

  /** What it has in files is gone, as with a disk: while it does not run. */
  forget(): void {
    rmSync(join(this.#folder, 'jetstream'), { recursive: true, force: true })
  }

  /** Go on with other lines in the config file. */
  async reload(config: string): Promise<void> {
    this.#config = config
    this.#write()
    await this.signal('SIGHUP')
  }

  #write(): string {
    const file = join(this.#folder, 'nats.conf')
    writeFileSync(file, `${this.#own}\n${this.#config}\n`)
    return file
  }

  async isReady(): Promise<void> {
    const server = this.#process!
    await until('nats-server is ready', async () => {
      if (server.exitCode !== null) throw new Error(`nats-server ended with ${server.exitCode}`)
      return (await listens(this.port, this.#address)) && (await this.isHealthy())
    })
  }

  /** Its own word: with JetStream it says so once streams and leaders are there. */
  async isHealthy(): Promise<boolean> {
    const asked = fetch(`${this.#monitor}/healthz`)
    return asked.then(
      ({ ok }) => ok,
      () => false,
    )
  }

  get #monitor(): string {
    return `http://${this.#address}:${this.#http}`
  }

  /** The nodes that are connected to it. */
  async nodes(): Promise<readonly string[]> {
    const { connections } = (await this.tells('/connz')) as Connz
    const names = connections.map(({ name = '' }) => name.split(' '))
    return names.filter(([who]) => who === 'skynet').map((words) => words.at(-1)!)
  }

  /** What it tells of itself: `/jsz?streams=true`, `/connz`. */
  async tells(path: string): Promise<unknown> {
    return (await fetch(`${this.#monitor}${path}`)).json()
  }

  /** `SIGKILL` ends it, `SIGSTOP` holds it, `SIGCONT` lets it go on. */
  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGHUP'): Promise<void> {
    const server = this.#process!
    server.kill(signal)
    if (signal === 'SIGKILL' && server.exitCode === null && server.signalCode === null) {
      await once(server, 'exit')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== undefined) await this.signal('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Three that are one cluster, with JetStream on all. */
export class NatsServers implements AsyncDisposable {
  readonly servers: readonly NatsServer[]
  /** Between the first and the others. */
  readonly #ways: readonly CuttingProxy[]

  private constructor(servers: readonly NatsServer[], ways: readonly CuttingProxy[]) {
    this.servers = servers
    this.#ways = ways
  }

  /** @param networks Of theirs: `SERVERS`; else there are ways to the first that can be stalled. */
  static async start(networks?: Networks): Promise<NatsServers> {
    const ports = await Promise.all(SERVERS.map(freePort))
    const ways =
      networks === undefined ? await Promise.all(ports.map((port) => CuttingProxy.to(port))) : []
    const servers = await Promise.all(
      ports.map((port, i) =>
        networks === undefined ? prepared(port, i, ports, ways) : placed(networks, i, ports),
      ),
    )
    const all = new NatsServers(servers, ways)
    try {
      await all.#launch()
    } catch (error) {
      await all[Symbol.asyncDispose]()
      throw error
    }
    return all
  }

  async #launch(): Promise<void> {
    // Those that reach each other directly do so before they hear of another way.
    const [first, ...others] = this.servers
    for (const server of others) server.launch()
    await meshed(others)
    first!.launch()
    await Promise.all(this.servers.map((server) => server.isReady()))
    await meshed(this.servers)
  }

  /** The first and the others do not hear each other, and see no end of a connection. */
  cutFirst(): void {
    for (const way of this.#ways) way.stall()
  }

  mend(): void {
    for (const way of this.#ways) way.release()
  }

  get credentials(): Credentials {
    return this.servers[0]!.credentials
  }

  get urls(): string[] {
    return this.servers.map(({ url }) => url)
  }

  /** The one that leads a stream, as the others say. */
  async leaderOf(stream: string): Promise<NatsServer> {
    return until(`a leader of ${stream}`, async () => {
      const details = await this.#streams(stream)
      return this.#named(details.map(({ cluster }) => cluster?.leader))
    })
  }

  /** The one that a node is connected to. */
  async serverOf(node: string): Promise<NatsServer> {
    return until(`${node} is connected`, async () => {
      const nodes = await Promise.all(this.servers.map((server) => server.nodes()))
      return this.servers.find((_, i) => nodes[i]!.includes(node))
    })
  }

  /** Resolves when each of them has as much of a stream as the others. */
  async allHave(stream: string): Promise<void> {
    await until(`all have ${stream}`, async () => {
      const details = await this.#streams(stream)
      const ends = new Set(details.map(({ state }) => `${state.messages} up to ${state.last_seq}`))
      return details.length === this.servers.length && ends.size === 1
    })
  }

  /** Others step down until it is its turn. */
  async letLead(stream: string, server: NatsServer): Promise<void> {
    const connection = await connect({ servers: server.url, ...server.credentials })
    try {
      await until('it leads', async () => {
        if ((await this.leaderOf(stream)) === server) return true
        const asked = connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`)
        await asked.catch(() => {})
        return false
      })
    } finally {
      await connection.close()
    }
  }

  /** The one that holds the only watch of a stream. */
  async hostOfWatch(stream: string): Promise<NatsServer | undefined> {
    const details = await this.#streams(stream)
    const consumers = details.flatMap((each) => each.consumer_detail ?? [])
    return this.#named(consumers.map(({ cluster }) => cluster?.leader))
  }

  #named(names: readonly (string | undefined)[]): NatsServer | undefined {
    const name = names.findLast((each) => each)
    return name === undefined ? undefined : this.servers[Number(name.slice(1))]
  }

  /** What each of them knows of it. */
  async #streams(name: string): Promise<StreamDetail[]> {
    const asked = this.servers.map((server) =>
      server.tells('/jsz?consumers=true').catch(() => ({})),
    )
    const all = (await Promise.all(asked)) as Jsz[]
    const accounts = all.flatMap((told) => told.account_details ?? [])
    const streams = accounts.flatMap((each) => each.stream_detail ?? [])
    return streams.filter((each) => each.name === name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.servers, ...this.#ways]
    await Promise.all(all.map((each) => each[Symbol.asyncDispose]()))
  }
}

/** Two that dial each other at once may close both connections, and dial again. */
async function meshed(servers: readonly NatsServer[]): Promise<void> {
  await until('each hears the others', async () => {
    const asked = servers.map((server) => server.tells('/routez').catch(() => ({ routes: [] })))
    const told = (await Promise.all(asked)) as Routez[]
    const heard = told.map(({ routes }) => new Set(routes.map(({ remote_id }) => remote_id)))
    return heard.every((ids) => ids.size === servers.length - 1)
  })
}

/** The first reaches the others, and they reach it, by ways that can be stalled. */
function prepared(
  port: number,
  i: number,
  ports: readonly number[],
  ways: readonly CuttingProxy[],
): Promise<NatsServer> {
  const routes = ports.map((other, k) => (i === 0 || k === 0 ? ways[k]!.port : other))
  const list = routes.filter((_, k) => k !== i).map((to) => `nats-route://127.0.0.1:${to}`)
  // What servers tell each other of a third one.
  const advertise = `advertise: "127.0.0.1:${ways[i]!.port}"`
  const own = `name: test, listen: "127.0.0.1:${port}", ${advertise}`
  const cluster = `${own}, routes: [${list.join(', ')}]`
  return NatsServer.prepare({ config: `server_name: s${i}\ncluster { ${cluster} }` })
}

/** In networks of their own, which a test cuts. */
function placed(networks: Networks, i: number, ports: readonly number[]): Promise<NatsServer> {
  const at = ports.map((port, k) => `${networks.address(SERVERS[k]!)}:${port}`)
  const list = at.filter((_, k) => k !== i).map((to) => `nats-route://${to}`)
  const cluster = `name: test, listen: "${at[i]}", routes: [${list.join(', ')}]`
  const config = `server_name: ${SERVERS[i]}\ncluster { ${cluster} }`
  return NatsServer.prepare({ config, place: { networks, host: SERVERS[i]! } })
}

interface Connz {
  readonly connections: readonly { readonly name?: string }[]
}

interface Routez {
  readonly routes: readonly { readonly remote_id: string }[]
}

interface Placed {
  readonly cluster?: { readonly leader?: string }
}

interface StreamDetail extends Placed {
  readonly name: string
  readonly state: { readonly messages: number; readonly last_seq: number }
  readonly consumer_detail?: readonly Placed[]
}

interface Jsz {
  readonly account_details?: readonly { readonly stream_detail?: readonly StreamDetail[] }[]
}
