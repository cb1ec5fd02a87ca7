/**
 * What a service may ask of its node: the commands of Skynet's contexts under their names, and what
 * they are called here. The console lists them; docs/commands.md shows them.
 */
export interface Command {
  /** What it is called in `skynet.`. */
  readonly api: string
  readonly help: string
}

/** What STAT knows of a service. */
export const STAT_NAMES = ['mqlen', 'message', 'task', 'cpu', 'time', 'endless'] as const

export const COMMANDS = {
  TIMEOUT: { api: 'timeout', help: 'run a task after some ms' },
  REG: { api: 'register', help: 'take a local name' },
  QUERY: { api: 'localName', help: 'the handle of a local name' },
  NAME: { api: 'name', help: 'give a service a local name' },
  EXIT: { api: 'exit', help: 'end this service' },
  KILL: { api: 'kill', help: 'end a service' },
  LAUNCH: { api: 'newService', help: 'launch a service' },
  GETENV: { api: 'getenv', help: 'a variable of the node' },
  SETENV: { api: 'setenv', help: 'set a variable of the node, once' },
  STARTTIME: { api: 'startTime', help: 'when the node started, ms since 1970' },
  NOW: { api: 'now', help: 'ms since the node started' },
  ABORT: { api: 'abort', help: 'stop the node' },
  STAT: { api: 'stat', help: `a count of this service: ${STAT_NAMES.join(', ')}` },
  LOGON: { api: 'logOn', help: 'log the messages of a service to a file' },
  LOGOFF: { api: 'logOff', help: 'no longer' },
  SIGNAL: { api: 'signal', help: 'tell a service a number' },
} as const satisfies Readonly<Record<string, Command>>
