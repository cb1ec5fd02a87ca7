/** Certificates of one authority, and the lists of what it has revoked. */
import { vectorsOf } from './vectors.ts'

interface Certificate {
  readonly cert: string
  readonly key: string
}

/**
 * `ca` has signed these two, `m` and `a`, and lists: `a` revokes that of `a`, `none` nobody, `over`
 * ended in 2021; `foreign` is of somebody else. As docs/cluster-tcp.md says they are made, with
 * `-crl_lastupdate` and `-crl_nextupdate` up to 2125; `m` is of `localhost` and 127.0.0.1, too.
 */
export const REVOKED = vectorsOf<
  Readonly<Record<'ca' | 'm' | 'a', Certificate>> & {
    readonly lists: Readonly<Record<'none' | 'a' | 'over' | 'foreign', string>>
  }
>('revoked-certificates')
