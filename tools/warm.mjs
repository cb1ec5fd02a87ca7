// Run by the build: does once what a start does, in one thread, and keeps what V8 has compiled.
import { defineService } from '../dist/lib/index.js'
import { resolveConfig, startNode } from '../dist/lib/node.js'
import { keep, load } from '../dist/lib/runtime/loader.js'
import { createSocketServer } from '../dist/lib/socket-server.js'
import { testNode } from '../dist/lib/testing.js'

/** Of the main thread. */
load('command')
const start = new URL('../dist/lib/services/datacenterd.js', import.meta.url).href
const node = await startNode(resolveConfig({ start, thread: 1 }))
await node.stop()

/** Of a worker. */
const test = await testNode()
const echo = defineService(() => ({ echo: (value) => value }))
const service = await test.launch(echo)
await service.call.echo({ text: 'hello' })
await test.stop()

/** Of the socket thread. */
const server = createSocketServer()
server.start(server.listen({ host: '127.0.0.1', port: 0 }))
server.poll({ timeoutMs: 0 })
server.release()

keep()
