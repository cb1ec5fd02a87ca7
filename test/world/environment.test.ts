/** The environment that a process is born into: variables, limits, descriptors, folders. */
import { testWell } from '../support/world.ts'

/** The node itself under another command. */
const under = (command: string): string => `exec ${command} "$0" "$@"`

testWell({
  'without HOME and TMPDIR': 'unset HOME TMPDIR',
  'with a HOME and a TMPDIR that are not there': 'export HOME=/not/there TMPDIR=/not/there',
  // Proves: docs/node.md#world-environment
  'with no variables at all': under('env -i'),
  'in Turkish': 'export LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8',
  'in the locale C': 'export LANG=C LC_ALL=C',
  'in a time zone that is not there': 'export TZ=No/Where',
  'in a time zone of half hours and summer time': 'export TZ=Australia/Lord_Howe',
  'in production': 'export NODE_ENV=production',
  'with a umask of 077': 'umask 077',
  'with a umask of 777': 'umask 777',
  // Proves: docs/node.md#world-folder-gone
  'in a folder that is gone': 'd=$(mktemp -d); cd "$d"; rmdir "$d"',
  'in a folder that may only be read': 'cd /proc',
  'without standard input': 'exec <&-',
  'without standard output': 'exec >&-',
  'without standard error': 'exec 2>&-',
  // Proves: docs/node.md#world-environment
  'without any of the three, whose numbers others get': 'exec <&- >&- 2>&-',
  'with descriptors of others open': 'exec 3</dev/null 7</dev/null 9>/dev/null',
  // Proves: docs/node.md#world-environment
  'with few descriptors': 'ulimit -n 96',
  'where files may have no more than a kilobyte': 'ulimit -f 2',
  'where no core may be dumped, and stacks are small': 'ulimit -c 0; ulimit -s 1024',
  'with stacks without a limit': 'ulimit -s unlimited',
  'with signals ignored that shells of the background ignore': "trap '' INT QUIT",
  'with SIGPIPE and SIGHUP ignored': "trap '' PIPE HUP",
  'with low priority': under('nice -n 19'),
})
