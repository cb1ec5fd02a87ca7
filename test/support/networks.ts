/**
 * A network of its own for each process, and ways between them that a test cuts: namespaces of
 * Linux, which root may make. What goes into a cut way is lost without a word, as in the world.
 */
import { spawnSync } from 'node:child_process'

const SUBNET = '10.77'
const SUBNETS = 256
/** The test itself: it reaches everybody, whatever is cut. */
const OUTSIDE = 254
/** Nobody has it: what is sent there is lost. */
const NOBODY = '02:00:00:00:00:01'

/** What a test says that needs them where they cannot be made. */
export const NETWORKS_LEFT_OUT =
  'left out: what needs network namespaces: root, and the command ip: apt-get install iproute2'

let last = 0

export class Networks implements Disposable {
  readonly #mark: string
  readonly #hosts: string[] = []
  #third = 0

  private constructor() {
    last++
    // Tests run beside each other, and each run of them beside others.
    this.#mark = `${process.pid.toString(36)}${last.toString(36)}`
  }

  /** Undefined where it cannot be. */
  static make(hosts: readonly string[]): Networks | undefined {
    if (process.getuid?.() !== 0) return undefined
    const networks = new Networks()
    try {
      networks.#make(hosts)
      return networks
    } catch {
      networks[Symbol.dispose]()
      return undefined
    }
  }

  #make(hosts: readonly string[]): void {
    const bridge = `skb${this.#mark}`
    ip(`link add ${bridge} type bridge`)
    ip(`link set ${bridge} up`)
    this.#third = subnetOf(bridge)
    ip(`addr add ${SUBNET}.${this.#third}.${OUTSIDE}/32 dev ${bridge}`)
    for (const host of hosts) {
      const space = this.#space(host)
      const outside = this.#outside(this.#hosts.length)
      this.#hosts.push(host)
      ip(`netns add ${space}`)
      ip(`link add ${outside} type veth peer name eth0 netns ${space}`)
      ip(`link set ${outside} master ${bridge} up`)
      ip(`-n ${space} addr add ${this.address(host)}/24 dev eth0`)
      ip(`-n ${space} link set eth0 up`)
      ip(`-n ${space} link set lo up`)
    }
  }

  /** All but these. */
  except(...hosts: readonly string[]): readonly string[] {
    return this.#hosts.filter((host) => !hosts.includes(host))
  }

  address(host: string): string {
    return `${SUBNET}.${this.#third}.${this.#hosts.indexOf(host) + 1}`
  }

  /** What runs a command there: it becomes the command. */
  before(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#space(host)]
  }

  /**
   * What is sent from these to those is lost; the other way it goes on.
   *
   * @returns Heals it.
   */
  cutAll(senders: readonly string[], receivers: readonly string[]): () => void {
    const each = (line: (address: string) => string): void => {
      const lines = receivers.map((to) => line(this.address(to))).join('\n')
      for (const from of senders) ip(`-n ${this.#space(from)} -batch -`, lines)
    }
    each((to) => `neigh replace ${to} lladdr ${NOBODY} dev eth0 nud permanent`)
    return () => each((to) => `neigh del ${to} dev eth0`)
  }

  /**
   * Nothing passes between these and all others, in either direction.
   *
   * @returns Heals it.
   */
  divide(...side: readonly string[]): () => void {
    const others = this.except(...side)
    const heals = [this.cutAll(side, others), this.cutAll(others, side)]
    return () => {
      for (const heal of heals) heal()
    }
  }

  #outside(at: number): string {
    return `skv${this.#mark}${at}`
  }

  #space(host: string): string {
    return `skn${this.#mark}${host}`
  }

  [Symbol.dispose](): void {
    for (const [at, host] of this.#hosts.entries()) {
      tryIp(`link del ${this.#outside(at)}`)
      tryIp(`netns del ${this.#space(host)}`)
    }
    tryIp(`link del skb${this.#mark}`)
  }
}

/** The system gives a route to one alone: others may look for a subnet at the same time. */
function subnetOf(bridge: string): number {
  for (let i = 0; i < SUBNETS; i++) {
    const third = (process.pid + last + i) % SUBNETS
    if (tryIp(`route add ${SUBNET}.${third}.0/24 dev ${bridge}`)) return third
  }
  throw new Error(`Cannot find a subnet of ${SUBNET}`)
}

const tryIp = (words: string, input = ''): boolean =>
  spawnSync('ip', words.split(' '), { input }).status === 0

function ip(words: string, input?: string): void {
  if (!tryIp(words, input)) throw new Error(`Cannot run: ip ${words}`)
}
