import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REAL } from '../../testing/cluster-sim/variants.ts'
import { ClusterWorld } from '../../testing/cluster-sim/world.ts'

const SEEDS = [1, 2, 3, 4, 5]

test('nodes to which nothing happens see each other, and agree on who owns a name', () => {
  for (const seed of SEEDS) {
    const world = new ClusterWorld(seed, REAL, undefined)
    world.network.lossOneIn = 0
    world.agenda.until(500)
    for (const { services } of world.processes) services.claim('lobby')
    // No name is taken while a store is so new that owners might still come back.
    world.agenda.until(world.leaseMs - 500)
    for (const { cluster } of world.processes) assert.equal(cluster.names.owner('lobby'), undefined)
    world.agenda.until(world.leaseMs + 1500)
    world.checkAgreement()
  }
})
