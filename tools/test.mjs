// Runs test files, each in a process of its own, and reports: what Node's own reporter says, then
// the slowest files, then what failed and the commands that run it again. `node --test` does not:
// it sorts the files, and what takes longest is to begin first. It ends a run in which nothing
// happens: Node 22 and later let a test file that spins, or leaves a handle open, wait for ever.
import { setMaxListeners } from 'node:events'
import { dirname, relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { run } from 'node:test'
import { spec as Spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const STALL_MS_MAX = 310_000
const SLOWEST = 10
/** Programs that run several files, and which those are. */
const programs = new Map()
/** Each of these has one process for all its files, where the runner knows their tests by file. */
const TIERS = [['src', 'tools'], ['test/library']]
/** What `serviceTest` says of each of its tests, and of which file that is. */
const SERVICE_TEST = /^(passed|failed) after (\d+) ms, of (.+)$/

/** Files that have a process; those whose process runs now. */
const apart = new Set()
const running = new Set()
/** Milliseconds by file: of one that has a process all, of another what its tests took. */
const times = new Map()
const failedFiles = new Set()
const failedTests = []

/** Ends the test files, and then the run. */
const ending = new AbortController()
// One of each file.
setMaxListeners(0, ending.signal)
/** Those that were running then. */
let ended
let isInterrupted = false

main(JSON.parse(process.argv[2]))

/** @param order From tools/run.mjs: `flags` are for the processes of the files. */
function main({ files, programs: those, flags, atOnce, msMax }) {
  for (const { program, together } of those) programs.set(sourceOf(program), together.map(sourceOf))
  // What those get besides is what this process was given.
  process.execArgv.push(`--test-timeout=${msMax}`, ...flags)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt)
  // No limit for a file: it may have many tests, and a run in which no test ends is ended anyway.
  const events = run({ files, concurrency: atOnce, signal: ending.signal })
  events.on('test:fail', () => {
    process.exitCode = 1
  })
  Readable.from(report(events)).pipe(process.stdout)
}

async function* report(events) {
  const timer = setTimeout(stop, STALL_MS_MAX)
  async function* noted() {
    for await (const event of events) {
      timer.refresh()
      if (hasNotBegun(event) || isCutOff(event) || isOfServiceTest(event)) continue
      note(event)
      yield event
    }
    clearTimeout(timer)
  }
  yield* Readable.from(noted()).pipe(new Spec())
  yield* summary()
}

/** Of files whose turn has not come when the run ends there is nothing to say. */
function hasNotBegun({ data }) {
  if (ended === undefined || data.file === undefined) return false
  return isWholeFile(data) && !ended.has(sourceOf(data.file))
}

/** That somebody ended a file is not a fault of it. */
function isCutOff({ type, data }) {
  if (!isInterrupted || data.file === undefined) return false
  return isWholeFile(data) && (type === 'test:fail' || type === 'test:complete')
}

function isOfServiceTest({ type, data }) {
  const [, outcome, ms, path] =
    (type === 'test:diagnostic' && SERVICE_TEST.exec(data.message)) || []
  if (outcome === undefined) return false
  const file = sourceOf(path)
  if (!apart.has(file)) count(file, Number(ms), outcome === 'failed')
  return true
}

function note({ type, data }) {
  if (data.nesting !== 0 || data.file === undefined) return
  const file = sourceOf(data.file)
  const isFile = isWholeFile(data)
  if (type === 'test:dequeue' && isFile) {
    apart.add(file)
    running.add(file)
  }
  if (type === 'test:fail') failedTests.push(data.name)
  if (type !== 'test:complete') return
  const { duration_ms: ms, error } = data.details
  if (isFile) running.delete(file)
  else if (apart.has(file) || !isOf(file, TIERS.flat())) return
  count(file, ms, error !== undefined)
}

function count(file, ms, isFailure) {
  times.set(file, (times.get(file) ?? 0) + ms)
  if (isFailure) failedFiles.add(file)
}

/** The runner reports a file as a test whose name is its path. */
function isWholeFile({ name = '', file }) {
  return sourceOf(name) === sourceOf(file)
}

function sourceOf(path) {
  const file = relative(ROOT, resolve(ROOT, path)).replaceAll('\\', '/')
  return file.replace(/^dist\//, '').replace(/\.js$/, '.ts')
}

function isOf(file, folders) {
  return folders.some((folder) => file.startsWith(`${folder}/`))
}

function* summary() {
  const files = [...times].filter(([file]) => !programs.has(file))
  const slowest = files.sort(([, a], [, b]) => b - a).slice(0, SLOWEST)
  yield '\nThe slowest files:\n'
  for (const [file, ms] of slowest) yield `${(ms / 1000).toFixed(1).padStart(7)} s  ${file}\n`
  if (isInterrupted) yield `\nInterrupted, in ${[...ended].map(pathFor).join(', ')}\n`
  if (failedFiles.size === 0) return
  yield '\nFailed:\n'
  for (const name of failedTests) yield `  ${name}\n`
  yield 'To run again:\n'
  // A process that several share fails with each of them; and by itself, when none of them has.
  const hasFailed = (program) => programs.get(program)?.some((file) => failedFiles.has(file))
  const failed = [...failedFiles].filter((file) => !hasFailed(file)).map(pathFor)
  for (const path of new Set(failed.sort())) yield `  npm test -- ${path}\n`
}

/** A suite has no test file of its own name, and a program is gone by then. */
function pathFor(file) {
  const together = programs.get(file)
  if (together === undefined) return file.endsWith('.suite.ts') ? dirname(file) : file
  const tier = TIERS.find((folders) => together.every((each) => isOf(each, folders)))
  return (tier ?? together).join(' ')
}

function stop() {
  const files = [...running].map(pathFor).join(', ')
  process.stderr.write(
    `Cannot wait longer: no test ended within ${STALL_MS_MAX / 1000} s, in ${files}\n`,
  )
  end()
}

function interrupt() {
  isInterrupted = true
  process.exitCode = 1
  end()
}

function end() {
  ended = new Set(running)
  ending.abort()
}
