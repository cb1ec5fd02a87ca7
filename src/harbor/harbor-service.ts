/**
 * The service `harbor` of a node: its slave, its master if it has one, and the crossing to others.
 * Skynet has `cslave`, `cmaster` and the C service `harbor` for that.
 */
import { SkynetError } from '../base/errors.ts'
import { type HostPort, hostPortText, isLoopbackHost } from '../base/host-port.ts'
import { Skynet } from '../skynet/skynet.ts'
import { Crossing } from './crossing.ts'
import { openDesks } from './desk.ts'
import { type CheckedHarbor, checkHarbor, type HarborOptions } from './harbor-options.ts'
import { Links } from './links.ts'
import { MasterLink } from './master-link.ts'
import { MasterServer } from './master-server.ts'
import { type HarborState, Slave } from './slave.ts'
import { Waits } from './waits.ts'

/** A harbor that this node has heard of. */
export interface HarborInfo {
  readonly harbor: number
  readonly state: HarborState
}

/** What is under way between this harbor and others. */
export interface HarborStat {
  /** Calls of services here that wait for answers. */
  readonly calls: number
  /** Requests of other harbors that do. */
  readonly requests: number
  /** Bytes that wait for harbors that are not connected. */
  readonly waitingBytes: number
}

/** What somebody may wait for. */
const TOPIC = {
  name: (name: string) => `name ${name}`,
  up: (harbor: number) => `up ${harbor}`,
  down: (harbor: number) => `down ${harbor}`,
  master: 'master',
} as const

/** What is said to the service, by `Harbor`. */
export interface HarborMethods {
  /** Resolves when it has joined. */
  join(): unknown
  register(name: string, handle: number): Promise<unknown>
  query(name: string): unknown
  link(harbor: number): unknown
  connect(harbor: number): unknown
  linkMaster(): unknown
  harbors(): HarborInfo[]
  stat(): HarborStat
  master(): string
  giveUp(source: number, session: number): void
}

/** The setup of the service. @throws {SkynetError} As `startHarbor`. */
export async function harborService(
  skynet: Skynet,
  options: HarborOptions,
): Promise<HarborMethods> {
  const node = new HarborNode(skynet, checkHarbor(options))
  await node.join()
  skynet.register('.harbor')
  return node.methods
}

class HarborNode {
  readonly #skynet: Skynet
  readonly #options: CheckedHarbor
  readonly #harbor: number
  readonly #slave: Slave
  readonly #links: Links
  readonly #crossing: Crossing
  readonly #waits: Waits
  #masterPlace: HostPort
  /** Undefined: the connection to the master has ended, or does not stand yet. */
  #master: MasterLink | undefined
  /** Why it has ended. */
  #masterLoss = ''

  constructor(skynet: Skynet, options: CheckedHarbor) {
    this.#skynet = skynet
    this.#options = options
    this.#harbor = skynet.self >>> 24
    this.#masterPlace = options.master ?? options.standalone!
    this.#waits = new Waits(skynet)
    this.#slave = new Slave(
      {
        tell: (message) => this.#master?.tell(message),
        connect: (harbor, address) => skynet.fork(() => this.#links.connect(harbor, address)),
        up: (harbor) => this.#up(harbor),
        down: (harbor, reason) => this.#down(harbor, reason),
        named: (name, handle) => this.#waits.settle(TOPIC.name(name), handle),
        joined: () => skynet.wakeup(this),
      },
      this.#harbor,
    )
    const { stateOf, say } = {
      stateOf: (harbor: number) => this.#slave.stateOf(harbor),
      say: (text: string) => skynet.log(text),
    }
    this.#links = new Links(
      skynet,
      {
        harbor: this.#harbor,
        accepted: (harbor) => this.#slave.accepted(harbor),
        connected: (harbor) => this.#slave.connected(harbor),
        lost: (harbor, reason) => this.#slave.lost(harbor, reason),
        receive: (body) => this.#crossing.receive(body),
        say,
      },
      options,
    )
    this.#crossing = new Crossing(
      Skynet.serviceOf(skynet),
      {
        stateOf,
        bufferedAmount: (harbor) => this.#links.bufferedAmount(harbor),
        write: (harbor, { frame }) => this.#links.write(harbor, frame),
      },
      { ...options, harbor: this.#harbor, names: Skynet.siteOf(skynet).names },
    )
  }

  // --- joining -----------------------------------------------------------------------------------

  async join(): Promise<void> {
    if (this.#harbor === 0) {
      const info = { key: 'harbor', expected: '1..255 to join harbors', value: '0' }
      throw new SkynetError('ERR_CONFIG_VALUE', info)
    }
    this.#crossing.open()
    await this.#openMaster()
    const address = await this.#links.listen(this.#options.address)
    this.#warn('address', address)
    await this.#openSlave(address)
    await this.#joined()
    this.#links.stopListening()
    if (this.#options.standalone === undefined) return
    await openDesks(this.#skynet, (name, handle) => this.#slave.register(name, handle))
  }

  async #openMaster(): Promise<void> {
    const { standalone: place, joinTimeoutMs, master } = this.#options
    if (place === undefined) return
    const say = (text: string): void => this.#skynet.log(text)
    const { port } = await MasterServer.open(this.#skynet, { place, joinTimeoutMs, say })
    if (master === undefined) this.#masterPlace = { host: place.host, port }
    this.#warn('standalone', place)
  }

  /** Whoever can connect there can call any service. */
  #warn(name: string, place: HostPort): void {
    if (isLoopbackHost(place.host)) return
    this.#skynet.error(
      `Harbors ask for no password: whoever reaches ${name} ${hostPortText(place)} ` +
        'can call services of this node',
    )
  }

  async #openSlave(address: HostPort): Promise<void> {
    const { joinTimeoutMs } = this.#options
    this.#master = await MasterLink.open(this.#skynet, this.#masterPlace, joinTimeoutMs)
    this.#master.follow(this.#skynet, {
      heard: (message) => this.#slave.heard(message),
      ended: (reason) => this.#masterEnded(reason),
    })
    this.#slave.begin(hostPortText(address))
  }

  /** Wait until the harbors that are there have connected. */
  async #joined(): Promise<void> {
    const { joinTimeoutMs } = this.#options
    if (!this.#slave.hasJoined) {
      await this.#skynet.sleep(joinTimeoutMs, { token: this })
    }
    if (this.#master === undefined) {
      throw this.#cannotJoin(`its connection has ended: ${this.#masterLoss}`)
    }
    if (!this.#slave.hasJoined) {
      throw this.#cannotJoin(`within ${joinTimeoutMs} ms ${this.#slave.progress}`)
    }
  }

  #cannotJoin(reason: string): SkynetError {
    const master = hostPortText(this.#masterPlace)
    return new SkynetError('ERR_HARBOR_JOIN', { master, reason })
  }

  #masterEnded(reason: string): void {
    this.#master = undefined
    this.#masterLoss = reason
    const master = hostPortText(this.#masterPlace)
    this.#skynet.error(`The connection to master ${master} has ended: ${reason}`)
    this.#waits.settle(TOPIC.master, undefined)
    this.#waits.fail((topic) => topic.startsWith(TOPIC.name('')), this.#noMaster('ask for a name'))
    this.#skynet.wakeup(this)
  }

  #noMaster(what: string): SkynetError {
    const master = hostPortText(this.#masterPlace)
    return new SkynetError('ERR_HARBOR_MASTER', { what, master })
  }

  // --- other harbors -----------------------------------------------------------------------------

  #up(harbor: number): void {
    this.#links.up(harbor)
    this.#skynet.log(`Harbor ${harbor} is up`)
    this.#crossing.up(harbor)
    this.#waits.settle(TOPIC.up(harbor), undefined)
  }

  #down(harbor: number, reason: string): void {
    this.#skynet.error(`Harbor ${harbor} is down: ${reason}`)
    this.#links.close(harbor)
    this.#crossing.down(harbor, reason)
    this.#waits.settle(TOPIC.down(harbor), undefined)
    const info = { harbor, reason, sent: 'no' } as const
    const error = new SkynetError('ERR_HARBOR_LOST', info)
    this.#waits.fail((topic) => topic === TOPIC.up(harbor), error)
  }

  // --- what services ask -------------------------------------------------------------------------

  readonly methods: HarborMethods = {
    // Its setup has done that.
    join: () => undefined,
    register: async (name, handle) => {
      const wait = this.#asked(TOPIC.name(name))
      const known = this.#slave.handleOf(name) ?? (await this.#register(name, handle, wait))
      if (known !== handle) throw new SkynetError('ERR_NAME_TAKEN', { name })
      return known
    },
    query: (name) => {
      const known = this.#slave.handleOf(name)
      if (known !== undefined) return known
      if (this.#master === undefined) throw this.#noMaster(`find ${name}`)
      // Asked for once, however many wait.
      if (!this.#waits.has(TOPIC.name(name))) this.#slave.query(name)
      return this.#asked(TOPIC.name(name))()
    },
    link: (harbor) =>
      this.#slave.stateOf(harbor) === 'up' ? this.#asked(TOPIC.down(harbor))() : undefined,
    connect: (harbor) => {
      const state = this.#slave.stateOf(harbor)
      if (state === 'up' || harbor === this.#harbor) return undefined
      const info = { harbor, reason: 'it is down, which is for good', sent: 'no' } as const
      if (state === 'down') throw new SkynetError('ERR_HARBOR_LOST', info)
      return this.#asked(TOPIC.up(harbor))()
    },
    linkMaster: () => (this.#master === undefined ? undefined : this.#asked(TOPIC.master)()),
    harbors: () => [...this.#slave.harbors].map(([harbor, state]) => ({ harbor, state })),
    stat: () => this.#crossing.stat,
    master: () => hostPortText(this.#masterPlace),
    giveUp: (source, session) => this.#waits.giveUp(source, session),
  }

  /** How to wait for a topic, for who asks now. */
  #asked(topic: string): () => Promise<unknown> {
    const asker = this.#skynet.context()
    return () => (asker.session === 0 ? Promise.resolve() : this.#waits.add(topic, asker))
  }

  #register(name: string, handle: number, wait: () => Promise<unknown>): Promise<unknown> {
    if (this.#master === undefined) throw this.#noMaster(`register ${name}`)
    this.#slave.register(name, handle)
    return wait()
  }
}
