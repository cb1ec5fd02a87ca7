/** NODE_OPTIONS, which a machine, an editor or a monitor of applications sets for every process. */
import { testWell } from '../support/world.ts'

const OPTIONS = [
  '--max-old-space-size=256',
  '--max-semi-space-size=16',
  '--enable-source-maps',
  '--import tsx',
  '--inspect=127.0.0.1:0',
  '--disable-proto=delete',
  '--disable-proto=throw',
  '--frozen-intrinsics',
  '--unhandled-rejections=strict',
  '--unhandled-rejections=none',
  '--preserve-symlinks --preserve-symlinks-main',
  '--conditions=development',
  '--title=game',
  '--trace-warnings --trace-uncaught --trace-exit',
  '--no-warnings',
  '--throw-deprecation',
  '--pending-deprecation',
  '--stack-trace-limit=0',
  '--disallow-code-generation-from-strings',
  '--insecure-http-parser --dns-result-order=ipv6first',
  '--force-context-aware',
  '--jitless',
  '--report-on-fatalerror --report-on-signal',
  '--zero-fill-buffers',
  '--icu-data-dir=/not/there',
  '--experimental-vm-modules',
]

// Proves: docs/node.md#world-flags
testWell({
  ...Object.fromEntries(
    OPTIONS.map((each) => [`under NODE_OPTIONS ${each}`, `export NODE_OPTIONS='${each}'`]),
  ),
  // Beside its config, the third word of its command.
  'under NODE_OPTIONS --require': 'echo "if (0) x" >"$3.cjs"; export NODE_OPTIONS="-r $3.cjs"',
})
