/** A node of Skynet itself in a harbor cluster, where it is installed: see SKYNET_ORIGINAL. */
import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { ORIGINAL_PATHS, ORIGINAL_PROGRAM, OriginalProcess } from './original.ts'
import { until } from './until.ts'

interface Joining {
  readonly harbor: number
  /** Where the master is. */
  readonly master: string
  /** The master is this node. */
  readonly isMaster?: boolean
}

const configOf = ({ harbor, master, isMaster = false }: Joining, address: string): string => `
thread = 2
harbor = ${harbor}
address = "${address}"
master = "${master}"
${isMaster ? `standalone = "${master}"` : ''}
start = "harbor_main"
${ORIGINAL_PATHS}`

export class OriginalHarbor extends OriginalProcess {
  /** Resolves once it has joined, and its first service has the global name `LUA<harbor>`. */
  static async start(joining: Joining): Promise<OriginalHarbor> {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-harbor-'))
    const config = join(folder, 'config')
    writeFileSync(config, configOf(joining, `127.0.0.1:${await freePort()}`))
    const started = spawn(ORIGINAL_PROGRAM, [config], { cwd: folder })
    const node = new OriginalHarbor(started, folder)
    try {
      await until(`harbor ${joining.harbor} of Skynet is ready`, () => {
        if (node.hasEnded) throw new Error(`it has ended: ${node.log}`)
        return node.log.includes(`harbor ${joining.harbor} is ready`)
      })
      return node
    } catch (error) {
      await node[Symbol.asyncDispose]()
      throw error
    }
  }
}
