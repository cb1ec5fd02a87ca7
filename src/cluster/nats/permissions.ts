/** What a server of NATS lets each node do, as a part of its config. */
import { storeSubjects } from './jet-stream.ts'
import { library } from './library.ts'
import { Subjects, tokenOf } from './subjects.ts'

export interface NodePermissions {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}

/**
 * A node may send frames and beats in its own name, and write to the store; it hears what is meant
 * for it, and the beats of all. It cannot read what others get, nor speak as another.
 */
export function permissionsOf(cluster: string, node: string): NodePermissions {
  const subjects = new Subjects(cluster, node)
  return {
    publish: [subjects.frames, subjects.beat, ...storeSubjects(cluster)],
    subscribe: [subjects.inbox('*'), subjects.beats, `${subjects.inboxPrefix}.>`],
  }
}

/** The public half of an nkey of a user. */
export const isPublicKey = (text: string): boolean => /^U[A-Z2-7]{55}$/.test(text)

/** A new nkey. @throws {SkynetError} `ERR_PACKAGE_MISSING` */
export const newSeed = (): string =>
  new TextDecoder().decode(library().nkeys.createUser().getSeed())

/** The public half of one. @throws What is no seed. */
export const publicKeyOf = (seed: string): string =>
  library().nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey()

/** @param keys By node, the public half of its nkey. */
export function serverConfig(cluster: string, keys: ReadonlyMap<string, string>): string {
  const list = (subjects: readonly string[]): string =>
    subjects.map((subject) => `\n          ${JSON.stringify(subject)}`).join('')
  const users = [...keys].map(([node, key]) => {
    const { publish, subscribe } = permissionsOf(cluster, node)
    return `    {
      # ${JSON.stringify(node)}
      nkey: ${key}
      permissions: {
        publish: [${list(publish)}
        ]
        subscribe: [${list(subscribe)}
        ]
      }
    }`
  })
  return `# Who may what in cluster ${JSON.stringify(cluster)}: made by skynet cluster permissions
authorization {
  users: [
${users.join('\n')}
  ]
}
`
}

/** The file of a node in a folder of seeds. */
export const seedFileOf = (node: string): string => `${tokenOf(node)}.nk`
