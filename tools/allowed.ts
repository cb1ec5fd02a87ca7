/** What may be larger than the rules of shape.ts say, each with its reason. No list may grow. */
import type { Allowed } from './shape.ts'

const DISPATCHER = 'every kind of message and of end passes here'

export const ALLOWED: Allowed = {
  assemblies: {
    'src/cluster/border.ts': 'assembles the border, and tells its parts what happens',
    'src/kernel/scheduler.ts': 'turns of mail, timers and rings: all that a worker does',
    'src/net/server/sockets.ts': 'assembles what the socket thread has for its sockets',
    'src/net/library/standalone.ts':
      'facade of the library: a line or two a call, six imports are types',
    'src/os/posix.ts': 'the contract Os on libc: a method a call, each kind in a file of its own',
    'src/service/calls.ts': 'calls that go out, their traits and traces',
    'src/service/requests.ts': 'requests that come in, their answers and traces',
    'src/skynet/features.ts': 'assembles what the features of a worker handle',
    'src/service/runtime.ts': 'what all services of a worker share',
    'src/service/service.ts': DISPATCHER,
    'src/skynet/skynet.ts': 'facade of a service',
    'src/sockets/socket-api.ts': 'facade of sockets: a line or two a call, ten imports are types',
    'src/skynet/supervise.ts': 'launches, watches and ends children',
    'src/testing/sim-os.ts': 'the contract Os in JavaScript, each kind of call in a file',
    'src/testing/sim/world.ts': 'assembles a node of the simulation and checks it',
    'src/testing/test-net.ts': 'assembles the socket server of a test node',
    'src/testing/test-node.ts': 'assembles a node in the thread of a test',
    'src/threads/assemble.ts': 'assembles a worker',
    'src/threads/main/assembly.ts': 'assembles a node, and does nothing else',
    'src/threads/main/node-memory.ts': 'assembles all shared memory',
    'src/threads/socket.ts': 'entry of the socket thread: assembles it',
    'src/threads/worker.ts': 'entry of a worker: its table of orders',
  },
  facades: {
    Connection: 'facade of a stream: 22 members for users, 10 for its pool, life and frames',
    SimEndpoint: 'a peer of the simulation: what it did and saw is asked for by the checks',
    PosixOs: 'the contract Os',
    Runtime: 'what all services of a worker share',
    Service: DISPATCHER,
    SimOs: 'the contract Os',
    Skynet: 'facade of a service: a line a method',
    Socket: 'data: the private part of one socket, mostly flags',
    SocketModel: 'what must hold for a socket, asked for by the checks',
    Sockets: 'the sockets of the thread, and what is done to one of any kind',
    World: 'assembles a node of the simulation and checks it',
  },
  doubles: {},
}
