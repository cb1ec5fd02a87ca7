// A second reporter of the test runner: it prints nothing, and ends a run in which nothing happens.
// Node 22 and later let a test file that spins, or that leaves a handle open, wait for ever.
import { Transform } from 'node:stream'

const STALL_MS_MAX = 310_000

const timer = setTimeout(stop, STALL_MS_MAX)

export default new Transform({
  writableObjectMode: true,
  transform(_event, _encoding, done) {
    timer.refresh()
    done()
  },
  flush(done) {
    clearTimeout(timer)
    done()
  },
})

/** The runner takes the signal: it ends the test file, names it, and prints its summary. */
function stop() {
  process.stderr.write(`Cannot wait longer: no test ended within ${STALL_MS_MAX / 1000} s\n`)
  process.kill(process.pid, 'SIGTERM')
}
