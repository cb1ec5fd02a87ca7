/**
 * `npm start -- examples/cluster`: three nodes on this machine, each a process, which are one
 * cluster over TCP; with `--nats` over a nats-server that it starts. Ctrl-C ends all of them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const NAMES = ['a', 'b', 'c']
const HOST = '127.0.0.1'
/** Of the first node, for people; the next one has the next. */
const PORT = Number(process.env.PORT ?? 8001)
/** The same for other nodes, or that of the nats-server. */
const CLUSTER_PORT = Number(process.env.CLUSTER_PORT ?? 7001)
/** Who has died comes back after so long. */
const PAUSE_MS = 8000
const IS_NATS = process.argv.includes('--nats')

const CLI = fileURLToPath(new URL('./cli/main.js', import.meta.resolve('skynet-ts')))
/** This file may run as it is, or compiled. */
const EXTENSION = import.meta.url.slice(-3)
const CONFIG = join(import.meta.dirname, (IS_NATS ? 'nats.config' : 'skynet.config') + EXTENSION)

/** By what the lines of a process begin with. */
const running = new Map<string, ChildProcess>()
let isOver = false

/** A process whose lines are shown, and which is started again when it dies. */
function run(name: string, command: string, words: readonly string[]): void {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  // In a group of its own: a Ctrl-C of the terminal comes by way of us, once.
  const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  running.set(name, child)
  for (const output of [child.stdout, child.stderr]) {
    createInterface(output).on('line', (line) => console.log(`${name} | ${line}`))
  }
  child.on('error', ({ message }) => {
    console.log(`Cannot start ${command}: ${message}`)
    process.exitCode = 1
    end()
  })
  child.on('exit', (code, signal) => {
    running.delete(name)
    if (isOver) return
    console.log(`${name} has ended by ${signal ?? `code ${code}`}; again in ${PAUSE_MS / 1000} s`)
    setTimeout(() => isOver || start(name), PAUSE_MS)
  })
}

function start(name: string): void {
  if (name === 'nats') {
    const words = ['--jetstream', '--addr', HOST, '--port', `${CLUSTER_PORT}`]
    run(name, 'nats-server', [...words, '--store_dir', folder!])
    console.log(`nats: process ${running.get(name)!.pid}`)
    return
  }
  const at = NAMES.indexOf(name)
  const settings = IS_NATS
    ? [`cluster.nats={"servers":"${HOST}:${CLUSTER_PORT}"}`]
    : [`cluster.listen=${HOST}:${CLUSTER_PORT + at}`, `cluster.seed=${HOST}:${CLUSTER_PORT}`]
  const all = [`cluster.name=${name}`, ...settings, `env.PORT=${PORT + at}`]
  run(name, process.execPath, [CLI, 'start', CONFIG, ...all.flatMap((each) => ['--set', each])])
  console.log(`node ${name}: process ${running.get(name)!.pid}, nc ${HOST} ${PORT + at}`)
}

function end(): void {
  if (isOver) return
  isOver = true
  for (const child of running.values()) child.kill('SIGTERM')
}

const folder = IS_NATS ? mkdtempSync(join(tmpdir(), 'skynet-nats-')) : undefined
process.on('exit', () => folder && rmSync(folder, { recursive: true, force: true }))
process.on('SIGINT', end).on('SIGTERM', end)
if (IS_NATS) start('nats')
for (const name of NAMES) start(name)
console.log(`In three terminals the three lines with nc: what is typed in one is read in all.
Then kill -9 one of the processes, and watch it go on. Ctrl-C ends all.`)
