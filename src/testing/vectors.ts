/** Golden data: what Skynet itself has sent and received, captured from it. */
import { readFileSync } from 'node:fs'

const FOLDER = new URL('../../../test/vectors/', import.meta.url)

/** @param name Of a file in `test/vectors`, without its ending. */
export const vectorsOf = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as T
