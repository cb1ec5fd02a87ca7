import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Part, PartKey } from '../service/part.ts'
import { testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'
import { Skynet } from './skynet.ts'

test('a part hears the end of its service once, also one that is made after that', async () => {
  await using node = await testNode()
  const heard: string[] = []
  const part = (name: string): Part => ({
    closing: () => heard.push(`${name} closing`),
    ended: () => heard.push(`${name} ended`),
  })
  let its: Skynet | undefined
  const { handle } = await node.launch(
    defineService((skynet) => {
      its = skynet
    }),
  )
  const service = Skynet.serviceOf(its!)
  service.addPart(new PartKey<Part>(), part('first'))
  await node.skynet.kill(handle)
  assert.deepEqual(heard, ['first closing', 'first ended'])
  service.addPart(new PartKey<Part>(), part('late'))
  assert.deepEqual(heard.slice(2), ['late closing', 'late ended'])
})
