/**
 * A supervisor on node `a` and its one child, which may be on others: over links that lose what is
 * in flight, with nodes that are killed, cut off, declared down and there again, or do not hear the
 * store, and launches that fail. Everything but time, links and services is real.
 */
import assert from 'node:assert/strict'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import type { RemoteLaunch } from '../launch/remote.ts'
import { RemoteChild } from '../launch/remote-child.ts'
import type { ServiceRef } from '../service/ref.ts'
import { WaitLimits } from '../service/wait-options.ts'
import { Random } from '../testing/sim/random.ts'
import { ServiceId } from '../wire/service-id.ts'
import { Children } from './children.ts'
import { Supervised, type SupervisedHost } from './supervised.ts'

/** What a variant leaves out, for the schedules to notice. */
export type Broken = 'end' | 'hold' | 'overtaken'

interface FakeService {
  readonly node: FakeNode
  readonly epoch: number
  readonly handle: number
  isHeld: boolean
  hasEnded: boolean
  readonly ends: (() => void)[]
  begun?: (handle: number) => void
  failed?: (error: Error) => void
}

interface FakeNode {
  readonly name: string
  epoch: number
  isAlive: boolean
  /** Others hear it, and it them. */
  isHeard: boolean
  isMember: boolean
  children: Children
  /** Of it, what the node of the supervisor asks. */
  asked: Supervised
  /** Has come, is answered: in the order in which it was sent. */
  requests: Request[]
  answers: { readonly request: Request; settle(): void }[]
}

interface Request {
  run(): Promise<unknown>
  resolve(value: unknown): void
  reject(error: unknown): void
}

const NAMES = ['b', 'c', 'd']
const UNLIMITED = new WaitLimits({ timeoutMs: 0 })
const STEPS = 100
/** More than any chain of promises is long. */
const TURNS = 12
/** All that can be left to be done takes fewer rounds. */
const ROUNDS_MAX = 100

export class SupervisedWorld {
  readonly #random: Random
  readonly #broken: Broken | undefined
  readonly #nodes: FakeNode[]
  readonly #services: FakeService[] = []
  #sleepers: (() => void)[] = []
  #lastHandle = 100
  #lastEpoch = 1
  #isOver = false
  /** How many children there have been. */
  launches = 0

  constructor(seed: number, broken?: Broken) {
    this.#random = new Random(seed)
    this.#broken = broken
    this.#nodes = NAMES.map((name) => {
      const node = { name, isAlive: true, isHeard: true, isMember: true, requests: [], answers: [] }
      return { ...node, epoch: ++this.#lastEpoch, ...this.#begun(name) }
    })
  }

  #begun(name: string): Pick<FakeNode, 'children' | 'asked'> {
    const children = this.#childrenOf(name)
    const ref = (handle: number): ServiceId => new ServiceId(handle)
    const application = { urlOf: (module: string) => module }
    const host = { skynet: { ref }, application, checkTakes: () => {} }
    return { children, asked: new Supervised(host as never as SupervisedHost, children) }
  }

  #node(name: string): FakeNode {
    return this.#nodes.find((node) => node.name === name)!
  }

  // --- services of a node ------------------------------------------------------------------------

  #childrenOf(name: string): Children {
    const children = new Children({
      self: () => ({ node: name, epoch: this.#node(name).epoch }),
      launch: (_url, _options, signal) => this.#begin(this.#node(name), signal),
      ended: (handle) => this.#ended(handle),
      kill: async (handle) => this.#end(this.#services.find((it) => it.handle === handle)),
      unkilled: (_handle, error) => assert.fail(String(error)),
      rest: async () => false,
      hold: (handle, isOn) => {
        const service = this.#services.find((each) => each.handle === handle)!
        if (this.#broken !== 'hold') service.isHeld = isOn
        this.#check()
      },
    })
    return children
  }

  #begin(node: FakeNode, signal: AbortSignal): Promise<number> {
    this.launches++
    const ends: (() => void)[] = []
    const handle = ++this.#lastHandle
    const { epoch } = node
    const service: FakeService = { node, epoch, handle, isHeld: false, hasEnded: false, ends }
    this.#services.push(service)
    this.#check()
    return new Promise((resolve, reject) => {
      service.begun = resolve
      service.failed = reject
      signal.addEventListener('abort', () => {
        if (service.begun === undefined) return
        this.#end(service)
        reject(new Error('given up'))
      })
    })
  }

  #end(service: FakeService | undefined): void {
    if (service === undefined || service.hasEnded) return
    service.hasEnded = true
    for (const told of service.ends) told()
  }

  #ended(handle: number): Promise<void> {
    const service = this.#services.find((each) => each.handle === handle)
    // The supervisor lives as long as this world.
    if (service === undefined) return new Promise(() => {})
    if (service.hasEnded) return Promise.resolve()
    return new Promise((resolve) => service.ends.push(resolve))
  }

  get acting(): readonly FakeService[] {
    return this.#services.filter(
      ({ hasEnded, isHeld, node }) => !hasEnded && !isHeld && node.isAlive,
    )
  }

  #check(): void {
    assert.equal(this.#untried, undefined, 'what has not begun is not tried again')
    const all = this.acting
    assert.ok(
      all.length <= 1,
      `two act: ${all.map(({ node, handle }) => `${node.name} ${handle}`)}`,
    )
  }

  // --- the supervisor ----------------------------------------------------------------------------

  #supervised(): Supervised {
    const sleep = (): Promise<void> => new Promise((resolve) => this.#sleepers.push(resolve))
    const peer = (name: string) => {
      const node = this.#nodes.find((each) => each.name === name && each.isMember)
      return node && { node: name, epoch: node.epoch }
    }
    const nodes = () =>
      this.#nodes
        .filter(({ isMember }) => isMember)
        .map(({ name, epoch, isHeard }) => ({
          ...{ node: name, epoch, state: isHeard ? 'up' : 'suspect' },
        }))
    const drive = {
      self: { node: 'a', epoch: 1 },
      node: { peer },
      nodes,
      isOver: ({ node, epoch }: { node: string; epoch: number }) => peer(node)?.epoch !== epoch,
    }
    const others = {
      ask: (name: string, _: number, request: (peer: object) => Promise<unknown>) =>
        request({
          childHere: (id: string, ...what: [ServiceRef, string, string, RemoteLaunch]) =>
            this.#ask(name, (node) => node.asked.launchHere(id, ...what)),
          endChildHere: (id: string) => this.#ask(name, (node) => node.children.end(id)),
        }),
    }
    const application = { moduleOf: (url: string) => url, build: '1' }
    const host = { skynet: { sleep }, drive, others, application } as never as SupervisedHost
    // Nobody has a child on the node of the supervisor.
    return new Supervised(host, this.#childrenOf('a'))
  }

  #ask(name: string, what: (node: FakeNode) => Promise<unknown>): Promise<unknown> {
    const node = this.#node(name)
    return new Promise((resolve, reject) => {
      if (!node.isHeard) reject(lost('no'))
      else node.requests.push({ run: () => what(node), resolve, reject })
    })
  }

  /** As a supervisor does: one after the other, and none before the last one is over. */
  async #supervise(): Promise<void> {
    const supervised = this.#supervised()
    const methods: Record<string, (...args: never[]) => Promise<unknown>> = {
      placeChild: (where) => supervised.place(where),
      launchChild: (...args) =>
        (supervised.launch as never as (...a: unknown[]) => Promise<unknown>)(...args),
      endChild: (place) => (this.#broken === 'end' ? Promise.resolve() : supervised.end(place)),
    }
    const service = {
      handle: 1,
      url: 'file:///supervisor.js',
      hasEnded: false,
      runtime: { handleOf: () => 9, handles: { textOf: () => '' } },
      callMethod: (_to: number, [method, ...args]: unknown[]) =>
        methods[method as string]!(...(args as never[])),
      sendMethod: () => true,
    }
    const rest = (): Promise<void> => new Promise((resolve) => this.#sleepers.push(resolve))
    const child = new RemoteChild({ service, isOver: () => this.#isOver, rest })
    while (!this.#isOver) {
      const where = NAMES[this.#random.below(NAMES.length)]!
      try {
        await this.#told(await child.launch(where, 'a', 'file:///x.js', {}, () => UNLIMITED))
      } catch (error) {
        if (!this.#isOver && !mayFail(error)) this.#untried = error
        await rest()
      }
    }
  }

  /** Why a launch was given up of which nothing has begun. */
  #untried: unknown

  /** Its node tells that it has ended, or is down itself. */
  async #told(handle: number): Promise<void> {
    const service = this.#services.find((each) => each.handle === handle)!
    const { node, epoch } = service
    const isOver = (): boolean => !node.isMember || node.epoch !== epoch
    while (!isOver() && !(service.hasEnded && node.isHeard)) {
      await new Promise<void>((resolve) => this.#sleepers.push(resolve))
    }
  }

  // --- what happens ------------------------------------------------------------------------------

  async run(): Promise<void> {
    const over = this.#supervise()
    for (let step = 0; step < STEPS; step++) {
      this.#step()
      await turns()
      this.#check()
    }
    await this.#mend()
    assert.equal(this.acting.length, 1, 'none acts in the end')
    this.#isOver = true
    let isDone = false
    void over.then(() => {
      isDone = true
    })
    for (let i = 0; i < ROUNDS_MAX && !isDone; i++) {
      for (const node of this.#nodes) {
        this.#fail(node)
        this.#crash(node)
      }
      await this.#quiet()
    }
    assert.ok(isDone, 'the supervisor waits for ever')
  }

  #step(): void {
    const any = (): FakeNode => this.#nodes[this.#random.below(this.#nodes.length)]!
    if (this.#random.oneIn(4)) {
      const rare = [this.#crash, this.#fail, this.#reset, this.#cut, this.#kill, this.#doubt]
      const after = [this.#down, this.#down, this.#back, this.#back, this.#sure]
      const all = [...rare, ...after]
      all[this.#random.below(all.length)]!.call(this, any())
    } else {
      const usual = [this.#deliver, this.#answer, this.#ready]
      const step = usual[this.#random.below(usual.length)]!
      for (const node of this.#nodes) step.call(this, node)
    }
    if (this.#random.oneIn(3)) this.#wakeAll()
  }

  #deliver(node: FakeNode): void {
    const request = node.isHeard && node.isAlive ? node.requests.shift() : undefined
    if (request === undefined) return
    const answer = (settle: () => void): void => {
      // It went over a link that is another one now.
      node.answers.push({ request, settle })
    }
    request.run().then(
      (value) => answer(() => request.resolve(value)),
      (error) => answer(() => request.reject(error)),
    )
    this.#open.set(request, node)
  }

  /** Requests that are handled there. */
  readonly #open = new Map<Request, FakeNode>()

  #answer(node: FakeNode): void {
    if (!node.isHeard) return
    const answer = node.answers.shift()
    if (answer === undefined || !this.#open.delete(answer.request)) return
    answer.settle()
  }

  /** What is in flight is lost, and who waits is told. */
  #reset(node: FakeNode): void {
    for (const { reject } of node.requests.splice(0)) {
      reject(lost(this.#random.oneIn(2) ? 'no' : 'maybe'))
    }
    for (const [request, at] of [...this.#open]) {
      if (at !== node) continue
      this.#open.delete(request)
      request.reject(lost('maybe'))
    }
    node.answers = []
  }

  #ready(node: FakeNode): void {
    const service = this.#services.find(
      (each) => each.node === node && each.begun && !each.hasEnded,
    )
    service?.begun?.(service.handle)
    if (service !== undefined) delete service.begun
  }

  #fail(node: FakeNode): void {
    const service = this.#services.find(
      (each) => each.node === node && each.begun && !each.hasEnded,
    )
    if (service === undefined) return
    delete service.begun
    this.#end(service)
    service.failed!(new SkynetError('ERR_SERVICE_LAUNCH', { path: 'x', reason: 'by chance' }))
  }

  #crash(node: FakeNode): void {
    this.#end(this.#services.find((each) => each.node === node && !each.begun && !each.hasEnded))
  }

  /** Nobody hears it: within a lease it does not act, and only then it may be declared down. */
  #cut(node: FakeNode): void {
    if (!node.isMember || !node.isAlive) return
    node.isHeard = false
    this.#reset(node)
  }

  /** It is heard, and does not hear the store: others may have decided what it does not know. */
  #doubt(node: FakeNode): void {
    if (node.isMember && node.isHeard) node.children.acting(false)
  }

  #sure(node: FakeNode): void {
    if (node.isMember && node.isHeard) node.children.acting(true)
  }

  #kill(node: FakeNode): void {
    node.isAlive = false
    node.isHeard = false
    this.#reset(node)
    for (const service of this.#services) if (service.node === node) service.hasEnded = true
  }

  #down(node: FakeNode): void {
    if (node.isHeard || !node.isMember) return
    if (node.isAlive) node.children.acting(false)
    node.isMember = false
    this.#wakeAll()
  }

  /** It is heard again: as it was, or, when it was declared down, as another one. */
  #back(node: FakeNode): void {
    if (node.isHeard) return
    if (!node.isAlive && node.isMember) return
    const wasDown = !node.isMember
    if (!node.isAlive) Object.assign(node, this.#begun(node.name))
    else if (wasDown && this.#broken !== 'overtaken') node.children.overtaken()
    node.isAlive = true
    node.isHeard = true
    node.isMember = true
    if (wasDown) node.epoch = ++this.#lastEpoch
    node.children.acting(true)
  }

  #wakeAll(): void {
    for (const wake of this.#sleepers.splice(0)) wake()
  }

  /** All nodes are well, and everything gets through. */
  async #mend(): Promise<void> {
    for (const node of this.#nodes) {
      this.#down(node)
      await turns()
      this.#back(node)
      this.#sure(node)
    }
    for (let i = 0; i < ROUNDS_MAX && this.acting.length !== 1; i++) await this.#quiet()
    this.#check()
  }

  async #quiet(): Promise<void> {
    for (const node of this.#nodes) {
      this.#deliver(node)
      this.#ready(node)
      await turns()
      this.#answer(node)
    }
    this.#wakeAll()
    await turns()
  }
}

const lost = (sent: 'no' | 'maybe'): Error =>
  new SkynetError('ERR_NODE_LOST', { node: 'x', epoch: 1, sent })

/** By its setup, its node that is lost meanwhile, or as there has never been one. */
const mayFail = (error: unknown): boolean =>
  isSkynetError(error, 'ERR_NODE_UNKNOWN') ||
  (isSkynetError(error, 'ERR_NODE_LOST') && error.info.sent === 'maybe') ||
  /by chance|given up/.test((error as Error).message)

/** Promises that are settled have told everybody. */
async function turns(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await undefined
}
