/** socket-matrix.test.ts goes on: sockets one half of which is closed, and those that are gone. */
import { matrix } from '../support/socket-states.ts'

const END = 'Skynet has no half close'
const DRAIN = 'Skynet has no drain'
const HANDS_OVER = 'what was not read can still be handed over: Skynet says ERR "socket closed"'
const LATE_SEND = 'true, and dropped: the order to close may be on its way still. Skynet says -1'
const CUT = 'a stream that lost bytes must not look whole: Skynet says FIN'

matrix('HALFCLOSE_READ', {
  // Proves: docs/skynet.md#start-after-fin
  start: { to: 'HALFCLOSE_READ', name: 'T19', differs: 'no word: Skynet says "socket closed"' },
  // Proves: docs/skynet.md#start-after-fin
  'start by another': {
    to: 'HALFCLOSE_READ',
    events: ['YIELD'],
    name: 'T19',
    differs: HANDS_OVER,
  },
  pause: { to: 'HALFCLOSE_READ' },
  send: { to: 'HALFCLOSE_READ', sees: 'hello' },
  close: { to: 'INVALID', sees: 'FIN' },
  'close with unsent bytes': { to: 'HALFCLOSE_READ', sees: 'FIN' },
  shutdown: { to: 'INVALID', sees: 'FIN' },
  end: { to: 'INVALID', sees: 'FIN', differs: END },
  drain: { to: 'HALFCLOSE_READ', events: ['DRAIN'], differs: DRAIN },
  'a client': null,
  'peer data': null,
  'peer FIN': null,
  // Proves: docs/skynet.md#peer-reset-after-fin
  'peer RST': { to: 'INVALID' },
})

matrix('HALFCLOSE_READ, flushing', {
  start: { to: 'HALFCLOSE_READ', events: ['ERROR socket closed'], sees: 'FIN' },
  'start by another': { to: 'HALFCLOSE_READ', events: ['C: ERROR socket closed'], sees: 'FIN' },
  pause: { to: 'HALFCLOSE_READ', sees: 'FIN' },
  // Proves: docs/skynet.md#send-closing
  send: { to: 'HALFCLOSE_READ', sees: 'FIN', differs: LATE_SEND },
  close: { to: 'HALFCLOSE_READ', sees: 'FIN' },
  'close with unsent bytes': null,
  // Proves: docs/skynet.md#close-reset
  shutdown: { to: 'INVALID', sees: 'RST', differs: CUT },
  end: { to: 'HALFCLOSE_READ', sees: 'FIN', differs: END },
  drain: { to: 'HALFCLOSE_READ', sees: 'FIN', later: ['DRAIN'], differs: DRAIN },
  'a client': null,
  'peer data': { to: 'HALFCLOSE_READ', sees: 'FIN' },
  'peer FIN': { to: 'HALFCLOSE_READ', sees: 'FIN' },
  'peer RST': { to: 'INVALID' },
})

matrix('HALFCLOSE_READ, FIN said', {
  start: { to: 'HALFCLOSE_READ', events: ['ERROR socket closed'], sees: 'FIN' },
  'start by another': { to: 'HALFCLOSE_READ', events: ['C: ERROR socket closed'], sees: 'FIN' },
  pause: { to: 'HALFCLOSE_READ', sees: 'FIN' },
  send: { to: 'HALFCLOSE_READ', sees: 'FIN', differs: LATE_SEND },
  close: { to: 'HALFCLOSE_READ', sees: 'FIN' },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', sees: 'FIN' },
  end: { to: 'HALFCLOSE_READ', sees: 'FIN', differs: END },
  drain: { to: 'HALFCLOSE_READ', events: ['DRAIN'], sees: 'FIN', differs: DRAIN },
  'a client': null,
  'peer data': { to: 'HALFCLOSE_READ', sees: 'FIN' },
  'peer FIN': { to: 'INVALID', sees: 'FIN' },
  'peer RST': { to: 'INVALID' },
})

matrix('HALFCLOSE_WRITE, ended', {
  start: { to: 'HALFCLOSE_WRITE', sees: 'FIN' },
  // Proves: docs/skynet.md#start-half-closed
  'start by another': {
    to: 'HALFCLOSE_WRITE',
    events: ['YIELD'],
    sees: 'FIN',
    differs: 'it can be taken over like any open connection: Skynet keeps the owner',
  },
  pause: { to: 'HALFCLOSE_WRITE', sees: 'FIN' },
  send: { to: 'HALFCLOSE_WRITE', sees: 'FIN' },
  close: {
    to: 'HALFCLOSE_READ',
    events: ['CLOSE'],
    sees: 'FIN',
    differs: 'as after close alone: it stays until the peer has ended too',
  },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', events: ['CLOSE'], sees: 'FIN' },
  end: { to: 'HALFCLOSE_WRITE', sees: 'FIN', differs: END },
  drain: { to: 'HALFCLOSE_WRITE', events: ['DRAIN'], sees: 'FIN', differs: DRAIN },
  'a client': null,
  'peer data': { to: 'HALFCLOSE_WRITE', events: ['DATA data'], sees: 'FIN' },
  'peer FIN': { to: 'INVALID', events: ['CLOSE'], sees: 'FIN' },
  // Proves: docs/skynet.md#peer-reset-after-fin
  'peer RST': {
    to: 'INVALID',
    events: ['ERROR ECONNRESET', 'CLOSE'],
    differs: 'an ERROR before: a reset is no end',
  },
})

matrix('HALFCLOSE_WRITE, failed', {
  start: { to: 'HALFCLOSE_WRITE' },
  'start by another': { to: 'HALFCLOSE_WRITE', events: ['YIELD'] },
  pause: { to: 'HALFCLOSE_WRITE' },
  send: { to: 'HALFCLOSE_WRITE' },
  // Proves: docs/skynet.md#close-reset
  close: { to: 'INVALID', events: ['CLOSE'], sees: 'RST', differs: CUT },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', events: ['CLOSE'], sees: 'RST', differs: CUT },
  end: { to: 'HALFCLOSE_WRITE', differs: END },
  drain: { to: 'HALFCLOSE_WRITE', events: ['DRAIN'], differs: DRAIN },
  'a client': null,
  'peer data': { to: 'HALFCLOSE_WRITE', events: ['DATA data'] },
  'peer FIN': { to: 'INVALID', events: ['CLOSE'], sees: 'RST', differs: CUT },
  'peer RST': { to: 'INVALID', events: ['ERROR ECONNRESET', 'CLOSE'] },
})

matrix('INVALID', {
  start: { to: 'INVALID', events: ['ERROR invalid socket'], sees: 'FIN' },
  'start by another': { to: 'INVALID', events: ['C: ERROR invalid socket'], sees: 'FIN' },
  pause: { to: 'INVALID', sees: 'FIN' },
  send: { to: 'INVALID', sends: false, sees: 'FIN' },
  close: { to: 'INVALID', sees: 'FIN' },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', sees: 'FIN' },
  end: { to: 'INVALID', sees: 'FIN' },
  drain: { to: 'INVALID', events: ['DRAIN'], sees: 'FIN', differs: DRAIN },
  'a client': null,
  'peer data': { to: 'INVALID', sees: 'FIN' },
  'peer FIN': { to: 'INVALID', sees: 'FIN' },
  'peer RST': null,
})
