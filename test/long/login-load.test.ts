import { test } from 'node:test'
import { playAll } from '../support/login-load.ts'

// Proves: docs/login.md#msg-once
test('login: 2,000 players, half of them cut and back, get each answer once, in order', (t) =>
  playAll(t, { players: 2000, requests: 20 }))
