/** What only raw sockets can do, where there is a python3 that may. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const SCRIPT_MS_MAX = 300_000

/** SYN from ports where nobody is: the answer SYN-ACK meets a RST of the kernel, or nothing. */
const SYN = `
import random, socket, struct, sys, time
port, seconds, rest = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
ends, sent = time.time() + seconds, 0
while time.time() < ends:
    for _ in range(32):
        host = '127.0.%d.%d' % (random.randrange(1, 250), random.randrange(1, 250))
        start = (random.randrange(1024, 32000), port, random.getrandbits(32))
        def packet(check):
            return struct.pack('!HHIIBBHHH', *start, 0, 5 << 4, 2, 65535, check, 0)
        ends_of = socket.inet_aton(host) + socket.inet_aton('127.0.0.1')
        pseudo = ends_of + struct.pack('!BBH', 0, 6, 20)
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as source:
            source.bind((host, 0))
            source.sendto(packet(checksum(pseudo + packet(0))), ('127.0.0.1', 0))
        sent += 1
    time.sleep(rest)
print(sent)
`

/** Connections that are served, and then forgotten by their kernel: no FIN, no RST (TCP_REPAIR). */
const FORGET = `
import socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
TCP_REPAIR = 19
clients = []
for n in range(count):
    client = socket.create_connection(('127.0.0.1', port))
    client.sendall(b'remember me\\n')
    clients.append(client)
for client in clients:
    text = b''
    while not text.endswith(b'\\n'): text += client.recv(64)
    assert text == b'remember me\\n'
    client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    client.close()
print(count)
`

/** @returns The number that the script printed last, or why there is none. */
async function python(script: string, ...args: number[]): Promise<number | string> {
  try {
    const words = ['-c', script, ...args.map(String)]
    const { stdout } = await promisify(execFile)('python3', words, { timeout: SCRIPT_MS_MAX })
    return Number(stdout.trim().split('\n').at(-1))
  } catch (error) {
    const { code, stderr = '', message } = error as Error & { code?: string; stderr?: string }
    if (code === 'ENOENT') return 'there is no python3'
    const reason = stderr.trim().split('\n').at(-1) ?? ''
    return reason.startsWith('PermissionError')
      ? 'raw sockets are not permitted'
      : reason || message
  }
}

export const rawSyns = (port: number, seconds: number): Promise<number | string> =>
  python(SYN, port, seconds, 0.005)

export const forgottenPeers = (port: number, count: number): Promise<number | string> =>
  python(FORGET, port, count)
