/**
 * The part of NATS' JetStream that a store needs: a bucket of keys and values, which is a stream.
 * Asked for by hand: the watch of the package for it, `@nats-io/kv`, hears nothing any more once
 * the server that holds it has died, and says nothing of it.
 */
import type { Msg } from '@nats-io/transport-node'
import { SkynetError } from '../../base/errors.ts'
import { STORE_VALUE_BYTES_MAX } from '../../base/limits.ts'
import type { OpenedStore } from '../core/store.ts'
import { faultOf, isNoResponders, storeLost } from './faults.ts'
import { type NatsClient, unfit } from './nats-client.ts'
import { bucketKeyOf, bucketOf, streamOf } from './subjects.ts'

/** Numbers that JetStream gives its errors. */
const FAULT = { conflict: 10071, noStream: 10059, noMessage: 10037 } as const
/** Of those, that there is no room for what is to be written. */
const FULL = [10023, 10047, 10054, 10077]

/** Those that no waiting mends. */
const UNFIT: Readonly<Record<number, string>> = {
  10039: 'JetStream is off for this account',
  10074: 'it is alone: replicas must be 1',
  10076: 'JetStream is off: start it with -js, or with jetstream { } in its config',
}

/** What a conflict says besides. */
const LAST = /wrong last sequence: (\d+)$/

/** A key that means nothing. Nodes of before wrote it. */
export const TOUCHED = 'touched'

const NANOS_PER_MS = 1_000_000
const EXPECTED_REVISION = 'Nats-Expected-Last-Subject-Sequence'
export const OPERATION = 'KV-Operation'
const DELETED = 'DEL'

interface Answer {
  readonly error?: { readonly err_code?: number; readonly description?: string }
}

interface StreamAnswer extends Answer {
  readonly created: string
  readonly state: { readonly last_ts: string; readonly last_seq: number; readonly messages: number }
  readonly config: { readonly num_replicas: number; readonly storage: string }
}

interface WriteAnswer extends Answer {
  readonly seq: number
}

interface ReadAnswer extends Answer {
  readonly message: { readonly seq: number; readonly hdrs?: string; readonly data?: string }
}

interface ConsumerAnswer extends Answer {
  readonly num_pending: number
}

/** What a server has. */
export interface Led {
  readonly keys: number
  /** The last one. */
  readonly revision: number
}

/** What a key has in the bucket; undefined is deleted. */
export interface Stored {
  readonly revision: number
  readonly value: Uint8Array | undefined
}

const apiOf = (cluster: string) => {
  const stream = streamOf(cluster)
  return {
    info: `$JS.API.STREAM.INFO.${stream}`,
    create: `$JS.API.STREAM.CREATE.${stream}`,
    read: `$JS.API.STREAM.MSG.GET.${stream}`,
    purge: `$JS.API.STREAM.PURGE.${stream}`,
    consume: `$JS.API.CONSUMER.CREATE.${stream}`,
  }
}

const keysOf = (cluster: string): string => `$KV.${bucketOf(cluster)}.`

/** What a node publishes to for its store: its permissions name them. */
export const storeSubjects = (cluster: string): string[] => [
  `${keysOf(cluster)}>`,
  ...Object.values(apiOf(cluster)),
]

export class JetStream {
  /** Before each key, in the subject of its messages. */
  readonly keys: string
  readonly #client: NatsClient
  readonly #stream: string
  readonly #api: ReturnType<typeof apiOf>
  /** What the server that leads had when the bucket was opened last. */
  led: Led = { keys: 0, revision: 0 }

  constructor(client: NatsClient) {
    const { cluster } = client.options
    this.keys = keysOf(cluster)
    this.#client = client
    this.#stream = streamOf(cluster)
    this.#api = apiOf(cluster)
  }

  /**
   * Makes the bucket if there is none.
   *
   * @returns When it was made, in milliseconds since 1970: made anew, because the server has lost
   * it, it has another time. And for how long it is known to be there, by the clock of the server:
   * until its last message. And the revision of that one, by the word of the server that leads.
   */
  async open(): Promise<Required<OpenedStore>> {
    const { storage, replicas } = this.#client.options
    // One of them that starts again has lost what it kept in memory, and its stream is as old as
    // before: nobody could tell.
    if (storage === 'memory' && this.#client.isOfMany) {
      throw unfit(this.#client.address, "it is one of several: storage must be 'file'")
    }
    const found = await this.#ask<StreamAnswer>(this.#api.info, '')
    const isMissing = found.error?.err_code === FAULT.noStream
    const made = isMissing ? await this.#ask<StreamAnswer>(this.#api.create, this.#config()) : found
    const { created, config, state } = this.#checked(made)
    if (config.num_replicas !== replicas || config.storage !== storage) {
      const has = `replicas ${config.num_replicas} and storage '${config.storage}'`
      const reason = `${this.#stream} has ${has}: current values are ${replicas} and '${storage}'`
      throw unfit(this.#client.address, reason)
    }
    this.led = { keys: state.messages, revision: state.last_seq }
    const era = Date.parse(created)
    // Of an empty one the time of the last message is that of the year 1.
    const ageMs = Math.max(0, Date.parse(state.last_ts) - era)
    return { era, ageMs, revision: state.last_seq }
  }

  /**
   * @param revision 0: there is none, or it is deleted.
   * @param other Told which revision it has, when it has another one.
   * @returns The new one.
   */
  async write(
    key: string,
    value: Uint8Array | undefined,
    revision: number,
    other: (revision: number) => void,
  ): Promise<number> {
    if (value !== undefined && value.length > STORE_VALUE_BYTES_MAX) {
      throw full(key, `${value.length} bytes`)
    }
    const answer = await this.#write(key, value, revision)
    if (answer.error?.err_code !== FAULT.conflict) return this.#alone(key, answer, revision)
    const [, known] = LAST.exec(answer.error.description ?? '') ?? []
    if (known !== undefined) other(Number(known))
    // A deleted key has a last message as well, which says so.
    const last = revision === 0 ? await this.read(key) : undefined
    if (last === undefined || last.value !== undefined) throw conflict(key)
    const again = await this.#write(key, value, last.revision)
    if (again.error?.err_code === FAULT.conflict) throw conflict(key)
    return this.#alone(key, again, last.revision)
  }

  /**
   * Several servers look at the revision before they agree, and take two writes at one time for
   * right: the later one stands. It is agreed to by the time that they agree to what comes now.
   */
  async #alone(key: string, answer: WriteAnswer, revision: number): Promise<number> {
    const written = this.#written(key, answer)
    // Whether there is anything at all they look at when they have agreed.
    if (revision === 0 || this.#client.options.replicas === 1) return written
    await this.agree()
    const last = await this.read(key)
    if (last?.revision !== written) throw conflict(key)
    return written
  }

  /**
   * Resolves when most of the servers have agreed to remove a message that is not there. Not a
   * message: a server that leads, and is cut off, may keep in its stream what nobody has agreed to,
   * and count the revisions of all that comes later from there.
   */
  async agree(): Promise<void> {
    const asked = JSON.stringify({ filter: this.keys + TOUCHED })
    this.#checked(await this.#ask<Answer>(this.#api.purge, asked))
  }

  async read(key: string): Promise<Stored | undefined> {
    const message = await this.#message({ last_by_subj: this.keys + bucketKeyOf(key) })
    if (message === undefined) return undefined
    const { seq, hdrs = '', data = '' } = message
    const isDeleted = Buffer.from(hdrs, 'base64').includes(OPERATION)
    return { revision: seq, value: isDeleted ? undefined : Buffer.from(data, 'base64') }
  }

  /** The last revision, by the word of the server that leads. */
  async last(): Promise<number> {
    return this.#checked(await this.#ask<StreamAnswer>(this.#api.info, '')).state.last_seq
  }

  /** Is it the last one of some key? */
  async has(revision: number): Promise<boolean> {
    return (await this.#message({ seq: revision })) !== undefined
  }

  async #message(which: object): Promise<ReadAnswer['message'] | undefined> {
    const answer = await this.#ask<ReadAnswer>(this.#api.read, JSON.stringify(which))
    return answer.error?.err_code === FAULT.noMessage ? undefined : this.#checked(answer).message
  }

  /** Forget a key that was deleted at that revision, unless it was written again. */
  async forget(key: string, revision: number): Promise<void> {
    const filter = this.keys + bucketKeyOf(key)
    const asked = JSON.stringify({ filter, seq: revision + 1 })
    this.#checked(await this.#ask<Answer>(this.#api.purge, asked))
  }

  /**
   * Have the last message of each key sent to `subject`, then each that comes.
   *
   * @returns How many there are at the beginning, by the word of the server that sends them.
   */
  async consume(subject: string, idleMs: number): Promise<number> {
    const config = {
      deliver_subject: subject,
      deliver_policy: 'last_per_subject',
      filter_subject: `${this.keys}>`,
      ack_policy: 'none',
      max_deliver: 1,
      idle_heartbeat: idleMs * NANOS_PER_MS,
      mem_storage: true,
      num_replicas: 1,
    }
    const asked = JSON.stringify({ stream_name: this.#stream, config })
    const answer = this.#checked(await this.#ask<ConsumerAnswer>(this.#api.consume, asked))
    return answer.num_pending
  }

  #config(): string {
    const { storage, replicas } = this.#client.options
    // As NATS' own buckets are, so that its tools show this one.
    return JSON.stringify({
      name: this.#stream,
      subjects: [`${this.keys}>`],
      retention: 'limits',
      discard: 'new',
      max_msgs_per_subject: 1,
      num_replicas: replicas,
      storage,
      allow_rollup_hdrs: true,
      deny_delete: true,
      // Read from the server that leads, not from one that is behind.
      allow_direct: false,
    })
  }

  #write(key: string, value: Uint8Array | undefined, revision: number): Promise<WriteAnswer> {
    const headers = this.#client.headers()
    headers.set(EXPECTED_REVISION, `${revision}`)
    if (value === undefined) headers.set(OPERATION, DELETED)
    return this.#ask(this.keys + bucketKeyOf(key), value ?? new Uint8Array(0), headers)
  }

  #written(key: string, answer: WriteAnswer): number {
    const { err_code = 0, description = '' } = answer.error ?? {}
    if (FULL.includes(err_code)) throw full(key, `more (${description})`)
    return this.#checked(answer).seq
  }

  async #ask<T extends Answer>(...words: Parameters<NatsClient['request']>): Promise<T> {
    let msg: Msg
    try {
      msg = await this.#client.request(...words)
    } catch (error) {
      const { address } = this.#client
      if (!isNoResponders(error)) throw faultOf(error, address)
      throw storeLost(`${address}: JetStream does not answer, or has lost ${this.#stream}`, error)
    }
    return answerOf(msg)
  }

  #checked<T extends Answer>(answer: T): T {
    const { error } = answer
    if (error === undefined) return answer
    const reason = UNFIT[error.err_code ?? 0]
    if (reason !== undefined) throw unfit(this.#client.address, reason)
    throw storeLost(`${this.#client.address}: ${error.description ?? 'JetStream refuses'}`)
  }
}

function answerOf<T>(msg: Msg): T {
  try {
    return msg.json<T>()
  } catch (cause) {
    throw storeLost('what has answered is no JetStream', cause)
  }
}

const full = (key: string, what: string): SkynetError =>
  new SkynetError('ERR_STORE_FULL', { key, what })

const conflict = (key: string): SkynetError => new SkynetError('ERR_STORE_CONFLICT', { key })
