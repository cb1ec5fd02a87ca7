/** Codecs beside JSON, in the same message. */
import type { Bench, BenchOptions, Row } from './support/bench.ts'
import { Child } from './support/child.ts'
import { contest } from './support/contest.ts'
import { otherSide } from './support/sides.ts'

const CODECS = ['sproto', 'seri', 'msgpack', 'json']

export const codec: Bench = {
  name: 'codec',
  help: 'a message of ten fields and a list, encoded and decoded',
  run,
}

async function run(options: BenchOptions): Promise<Row[]> {
  await using plain = await Child.start('peers/codecs.js', [], options)
  const { seconds, warmSeconds } = options
  const rows: Row[] = []
  for (const name of CODECS) {
    await using child = await Child.start('peers/codecs.js', [], options)
    for (const request of ['encode', 'decode']) {
      const params = { seconds, warmSeconds }
      const ours = otherSide('skynet-ts', child, request, { ...params, codec: name })
      const others = [otherSide('JSON', plain, request, { ...params, codec: 'JSON' })]
      const what = `${name}, ${request}`
      rows.push(...(await contest({ what, unit: '/s', ours, others }, options)))
    }
  }
  return rows
}
