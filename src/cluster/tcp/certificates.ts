/** Who a node is over TLS, and whom it lets in: read from where its config says, and checked. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { checkOptions, checkText, refusal } from '../../base/check.ts'
import { wallNow } from '../../base/event-loop.ts'
import { isPem, revocationLists } from '../../base/pem.ts'
import { messageOf } from '../../base/thrown.ts'

/** Each is a text in PEM, or the path of a file that has it. */
export interface TcpTls {
  /** Who signs the certificates of nodes: whoever has one of these may join under its name. */
  readonly ca: string
  /**
   * Of this node: its name is a DNS name of it, `subjectAltName=DNS:b` of a node `b`. Certificates
   * between it and `ca` follow behind.
   */
  readonly cert: string
  /** Its private key, without a passphrase. */
  readonly key: string
  /**
   * Certificates that count no more: a list of each who has signed one that counts, one behind
   * the other.
   */
  readonly crl?: string
}

const NAMES = ['ca', 'cert', 'key', 'crl'] as const
type Name = (typeof NAMES)[number]

const BEGIN = '-----BEGIN '
/** Each begins a line: what is between two of them OpenSSL does not read. */
const EACH = /^(?=-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----)/m

/** As it is written: another case is another node, and a `*` is none. */
const EXACT = { subject: 'never', wildcards: false } as const

/** Is it the certificate of that node? */
export function isOfNode(certificate: X509Certificate, node: string): boolean {
  try {
    return certificate.checkHost(node, EXACT) === node
  } catch {
    // No name that a certificate could have: it has a NUL, say.
    return false
  }
}

export class Certificates {
  /** In PEM. */
  current: TcpTls
  readonly #what: string
  readonly #given: Record<Name, string>
  readonly #names: readonly Name[]
  readonly #node: string

  /** @throws `TypeError` naming what is wrong. */
  constructor(what: string, given: TcpTls, node: string) {
    checkOptions(what, 'tls', given, NAMES)
    this.#names = NAMES.filter((name) => name !== 'crl' || given.crl !== undefined)
    for (const name of this.#names) checkText(what, `tls.${name}`, given[name])
    this.#what = what
    this.#given = given as Record<Name, string>
    this.#node = node
    this.current = this.#checked(
      this.#each((name) => {
        try {
          const text = this.#given[name]
          return isPem(text) ? text : readFileSync(text, 'utf8')
        } catch (error) {
          throw this.#unread(name, error)
        }
      }),
    )
  }

  get hasFiles(): boolean {
    return this.#names.some((name) => !isPem(this.#given[name]))
  }

  /**
   * Read the files again. True: `current` is another one now.
   *
   * @param use Called with what becomes `current`, unless it throws: then it is read anew, and told
   * of, the next time.
   * @throws `TypeError` naming what is wrong: nothing has changed.
   */
  async renew(use: (read: TcpTls) => void): Promise<boolean> {
    const texts = await Promise.all(this.#names.map((name) => this.#read(name)))
    const read = this.#each((_, index) => texts[index]!)
    if (this.#names.every((name) => read[name] === this.current[name])) return false
    use(this.#checked(read))
    this.current = read
    return true
  }

  #each(textOf: (name: Name, index: number) => string): TcpTls {
    const texts = this.#names.map((name, index) => [name, textOf(name, index)] as const)
    return Object.fromEntries(texts) as Record<Name, string>
  }

  #read(name: Name): Promise<string> {
    const given = this.#given[name]
    if (isPem(given)) return Promise.resolve(given)
    return readFile(given, 'utf8').catch((error: unknown) => {
      throw this.#unread(name, error)
    })
  }

  #checked(read: TcpTls): TcpTls {
    this.#certificate('ca', read)
    const certificate = this.#certificate('cert', read)
    if (!isOfNode(certificate, this.#node)) {
      throw this.#wrong('cert', `a certificate of this node: with subjectAltName=DNS:${this.#node}`)
    }
    const { validFrom, validTo } = certificate
    const now = wallNow()
    if (now < Date.parse(validFrom) || now > Date.parse(validTo)) {
      throw this.#wrong('cert', `good now, and not from ${validFrom} to ${validTo}`)
    }
    if (!isKeyOf(certificate, read.key)) {
      throw this.#wrong('key', `the private key of 'tls.cert' in PEM, without a passphrase`)
    }
    if (read.crl !== undefined && revocationLists(read.crl).length === 0) {
      throw this.#wrong('crl', 'lists of revoked certificates in PEM, or a file of them')
    }
    return read
  }

  /** The first one. Those behind it are looked at as well: a copy may be under way. */
  #certificate(name: 'ca' | 'cert', read: TcpTls): X509Certificate {
    const texts = read[name].split(EACH).filter((text) => text.startsWith(BEGIN))
    const [first] = texts.map((text, index) => {
      try {
        return new X509Certificate(text)
      } catch {
        const which = index === 0 ? '' : `, number ${index + 1} in there too`
        throw this.#wrong(name, `a certificate in PEM, or a file of one${which}`)
      }
    })
    if (first === undefined) throw this.#wrong(name, 'a certificate in PEM, or a file of one')
    return first
  }

  #unread(name: Name, error: unknown): Error {
    return this.#wrong(name, `PEM, or a file that can be read (${messageOf(error)})`)
  }

  /** A key is in no error. */
  #wrong(name: Name, expected: string): Error {
    const given = this.#given[name]
    return refusal('value', this.#what, `tls.${name}`, expected, isPem(given) ? 'PEM' : given)
  }
}

function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}
