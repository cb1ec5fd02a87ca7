/** What the tests of harbors share: what was captured of Skynet, and streams in pieces. */
import { isSkynetError } from '../base/errors.ts'
import type { FrameFormat } from '../frames/frame-format.ts'
import { FrameParser } from '../frames/frame-parser.ts'
import { vectorsOf } from '../testing/vectors.ts'
import type { ToMaster, ToSlave } from './control.ts'

export interface CapturedRemote {
  readonly by: number
  readonly hex: string
  readonly type: number
  readonly source: number
  readonly to: number
  readonly session: number
  /** null is nil. */
  readonly values: readonly unknown[]
}

export const CAPTURED = vectorsOf<{
  readonly control: readonly {
    readonly to: 'master' | 'slave'
    readonly hex: string
    readonly values: ToMaster | ToSlave
  }[]
  readonly remote: readonly CapturedRemote[]
}>('harbor')

export const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex')

/** The same bytes, cut where `next` says. */
export function pieces(bytes: Buffer, next: () => number): Buffer[] {
  const all: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + Math.max(1, next()))
    all.push(bytes.subarray(at, end))
    at = end
  }
  return all
}

/** What `read` makes of each frame; last the code of what it throws. */
export function readAll<T>(
  format: FrameFormat,
  chunks: readonly Buffer[],
  read: (body: Buffer) => T,
): (T | string)[] {
  const parser = new FrameParser(format)
  const all: (T | string)[] = []
  try {
    for (const chunk of chunks) parser.take(chunk, (body) => all.push(read(body)))
    return all
  } catch (error) {
    if (!isSkynetError(error)) throw error
    return [...all, error.code]
  }
}
