/**
 * Every state of a socket × everything that can happen to it: one test a cell, on real sockets.
 * `differs` says why Skynet does something else there. Sockets that close are in
 * socket-matrix.closing.test.ts.
 */
import { matrix } from '../support/socket-states.ts'

const NO_WORD = 'a start that changes nothing says nothing: Skynet says OPEN "transfer"'
const KEEPS = 'the old owner gives back what it has not read: Skynet loses that'
const REFUSES = 'Skynet says nothing, and its caller waits for ever'
const FIN_FIRST =
  'FIN, then it waits for the FIN of the peer: closing at once could cut what that reads'
const END = 'Skynet has no half close'
const DRAIN = 'Skynet has no drain'
const HOLD = 'Skynet has no hold'
const NOT_BEFORE_START = 'an accepted socket is not watched before start: Skynet tells its listener'

// Its connect is on the way: every order is run after it, and the peer's kernel accepts.
matrix('RESERVE', {
  start: { to: 'CONNECTED', events: ['OPEN'] },
  // Proves: docs/skynet.md#start-refused
  'start by another': {
    to: 'CONNECTED',
    events: ['C: ERROR it is not connected yet', 'OPEN'],
    differs: REFUSES,
  },
  // Proves: docs/skynet.md#pause-connecting
  pause: { to: 'CONNECTED', events: ['OPEN'] },
  // Proves: docs/skynet.md#send-early
  send: { to: 'CONNECTED', events: ['OPEN'], differs: 'queued: Skynet aborts the process' },
  close: { to: 'INVALID', events: ['CLOSE'] },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', events: ['CLOSE'] },
  end: { to: 'HALFCLOSE_WRITE', events: ['OPEN'], differs: END },
  drain: { to: 'CONNECTED', events: ['DRAIN', 'OPEN'], differs: DRAIN },
  'a client': null,
  'peer data': null,
  'peer FIN': null,
  'peer RST': null,
})

matrix('CONNECTING', {
  start: { to: 'CONNECTING' },
  // Proves: docs/skynet.md#start-refused
  'start by another': {
    to: 'CONNECTING',
    events: ['C: ERROR it is not connected yet'],
    differs: REFUSES,
  },
  pause: { to: 'CONNECTING' },
  send: { to: 'CONNECTING' },
  close: { to: 'INVALID', events: ['CLOSE'] },
  'close with unsent bytes': {
    to: 'CONNECTING',
    events: ['CLOSE'],
    differs: 'still CONNECTING until it is connected, then HALFCLOSE_READ: Skynet moves at once',
  },
  shutdown: { to: 'INVALID', events: ['CLOSE'] },
  end: { to: 'CONNECTING', differs: END },
  drain: { to: 'CONNECTING', events: ['DRAIN'], differs: DRAIN },
  'a client': null,
  'peer data': null,
  'peer FIN': null,
  'peer RST': null,
})

matrix('PLISTEN', {
  start: { to: 'LISTEN', events: ['OPEN start'] },
  'start by another': {
    to: 'LISTEN',
    events: ['YIELD', 'C: OPEN start'],
    differs: 'the old owner is told to forget it',
  },
  pause: { to: 'PLISTEN' },
  send: { to: 'PLISTEN', sends: false, differs: 'false: Skynet says 0 and logs' },
  close: { to: 'INVALID', events: ['CLOSE'] },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', events: ['CLOSE'] },
  end: { to: 'PLISTEN', differs: END },
  drain: { to: 'PLISTEN', events: ['DRAIN'], differs: DRAIN },
  'a client': { to: 'PLISTEN' },
  'peer data': null,
  'peer FIN': null,
  'peer RST': null,
})

matrix('LISTEN', {
  start: { to: 'LISTEN' },
  // Proves: docs/skynet.md#start-refused
  'start by another': {
    to: 'LISTEN',
    events: ['C: ERROR a listener cannot be transferred'],
    differs: REFUSES,
  },
  pause: { to: 'LISTEN' },
  // Proves: docs/skynet.md#send-listener
  send: { to: 'LISTEN', sends: false, differs: 'false: Skynet says 0 and logs' },
  close: { to: 'INVALID', events: ['CLOSE'] },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', events: ['CLOSE'] },
  end: { to: 'LISTEN', differs: END },
  drain: { to: 'LISTEN', events: ['DRAIN'], differs: DRAIN },
  'a client': { to: 'LISTEN', events: ['ACCEPT'] },
  'peer data': null,
  'peer FIN': null,
  'peer RST': null,
})

matrix('LISTEN, paused', {
  start: { to: 'LISTEN' },
  'start by another': {
    to: 'LISTEN',
    events: ['C: ERROR a listener cannot be transferred'],
    differs: REFUSES,
  },
  pause: { to: 'LISTEN' },
  send: null,
  close: { to: 'INVALID', events: ['CLOSE'] },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', events: ['CLOSE'] },
  end: null,
  drain: null,
  'a client': { to: 'LISTEN' },
  'peer data': null,
  'peer FIN': null,
  'peer RST': null,
})

matrix('PACCEPT', {
  start: { to: 'CONNECTED', events: ['OPEN start'] },
  // Proves: docs/skynet.md#start-by-another
  'start by another': {
    to: 'CONNECTED',
    events: ['YIELD', 'C: OPEN start'],
    differs: 'the acceptor is told to forget it',
  },
  pause: { to: 'PACCEPT' },
  // Proves: docs/skynet.md#send-accepted
  send: { to: 'PACCEPT', sees: 'hello', differs: 'sent: Skynet drops it' },
  close: { to: 'HALFCLOSE_READ', events: ['CLOSE'], sees: 'FIN', differs: FIN_FIRST },
  'close with unsent bytes': {
    to: 'HALFCLOSE_READ',
    events: ['CLOSE'],
    sees: 'FIN',
    differs: FIN_FIRST,
  },
  shutdown: { to: 'INVALID', events: ['CLOSE'], sees: 'FIN' },
  end: { to: 'PACCEPT', differs: END },
  drain: { to: 'PACCEPT', events: ['DRAIN'], differs: DRAIN },
  'a client': null,
  'peer data': { to: 'PACCEPT' },
  'peer FIN': { to: 'PACCEPT' },
  // Proves: docs/skynet.md#peer-reset-unstarted
  'peer RST': { to: 'PACCEPT', differs: NOT_BEFORE_START },
})

matrix('CONNECTED', {
  // Proves: docs/skynet.md#start-by-owner
  start: { to: 'CONNECTED', differs: NO_WORD },
  // Proves: docs/skynet.md#start-by-another
  'start by another': { to: 'CONNECTED', events: ['YIELD'], differs: KEEPS },
  pause: { to: 'CONNECTED' },
  send: { to: 'CONNECTED', sees: 'hello' },
  // Proves: docs/skynet.md#close
  close: { to: 'HALFCLOSE_READ', events: ['CLOSE'], sees: 'FIN', differs: FIN_FIRST },
  'close with unsent bytes': { to: 'HALFCLOSE_READ', events: ['CLOSE'], sees: 'FIN' },
  shutdown: { to: 'INVALID', events: ['CLOSE'], sees: 'FIN' },
  end: { to: 'HALFCLOSE_WRITE', sees: 'FIN', differs: END },
  drain: { to: 'CONNECTED', events: ['DRAIN'], differs: DRAIN },
  'a client': null,
  'peer data': { to: 'CONNECTED', events: ['DATA data'] },
  'peer FIN': { to: 'HALFCLOSE_READ', events: ['CLOSE'] },
  // Proves: docs/skynet.md#peer-reset
  'peer RST': {
    to: 'INVALID',
    events: ['ERROR ECONNRESET', 'CLOSE'],
    differs: 'freed at once: Skynet does that when the poller says so again',
  },
})

matrix('CONNECTED, paused', {
  start: { to: 'CONNECTED', differs: NO_WORD },
  'start by another': { to: 'CONNECTED', events: ['YIELD'], differs: KEEPS },
  pause: { to: 'CONNECTED' },
  send: { to: 'CONNECTED', sees: 'hello' },
  close: { to: 'HALFCLOSE_READ', events: ['CLOSE'], sees: 'FIN', differs: FIN_FIRST },
  'close with unsent bytes': { to: 'HALFCLOSE_READ', events: ['CLOSE'], sees: 'FIN' },
  shutdown: { to: 'INVALID', events: ['CLOSE'], sees: 'FIN' },
  end: { to: 'HALFCLOSE_WRITE', sees: 'FIN', differs: END },
  drain: { to: 'CONNECTED', events: ['DRAIN'], differs: DRAIN },
  'a client': null,
  'peer data': { to: 'CONNECTED' },
  'peer FIN': { to: 'CONNECTED' },
  'peer RST': { to: 'INVALID', events: ['ERROR ECONNRESET', 'CLOSE'] },
})

matrix('CONNECTED, held', {
  start: { to: 'CONNECTED', differs: NO_WORD },
  // Proves: docs/semantics.md#handover-refused
  'start by another': {
    to: 'CONNECTED',
    events: ['C: ERROR what it carries stays with its service (HTTP, TLS, WebSocket)'],
    differs: HOLD,
  },
  pause: null,
  send: null,
  close: { to: 'HALFCLOSE_READ', events: ['CLOSE'], sees: 'FIN', differs: FIN_FIRST },
  'close with unsent bytes': null,
  shutdown: { to: 'INVALID', events: ['CLOSE'], sees: 'FIN' },
  end: null,
  drain: null,
  'a client': null,
  'peer data': { to: 'CONNECTED', events: ['DATA data'] },
  'peer FIN': { to: 'HALFCLOSE_READ', events: ['CLOSE'] },
  'peer RST': null,
})
