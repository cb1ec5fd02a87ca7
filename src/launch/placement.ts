/** Where a new service is born. */
import { checkOptions, checkString, checkText, isObject, refusal } from '../base/check.ts'
import type { Loads } from '../kernel/loads.ts'

type Choice = 'least-loaded' | 'same'

/** Choices that a word stands for. */
const CHOICES: { readonly [K in Choice]: (loads: Loads, own: number) => number } = {
  /** The worker with the fewest services. */
  'least-loaded': (loads) => loads.least(),
  /** The launcher's own. */
  same: (_loads, own) => own,
}

/**
 * Where a new service lives: the worker with the fewest services, the caller's, that number, the
 * one that all with the same key share, or a worker of its own.
 */
export type Placement = Choice | 'dedicated' | number | { readonly key: string }

/** The worker for any placement but `dedicated`. */
export function choose(placement: Placement, loads: Loads, own: number): number {
  if (typeof placement === 'string' && Object.hasOwn(CHOICES, placement)) {
    return CHOICES[placement as Choice](loads, own)
  }
  if (isObject(placement)) return byKey(placement, loads)
  const worker = typeof placement === 'number' ? placement : -1
  if (Number.isInteger(worker) && worker >= 0 && worker < loads.workers) return worker
  const words = Object.keys(CHOICES).map((word) => `'${word}'`)
  const workers = `a worker in 0..${loads.workers - 1}`
  const expected = `${workers}, ${words.join(', ')}, 'dedicated' or { key }`
  throw refusal('range', 'launch', 'on', expected, placement)
}

/**
 * A node of the cluster: by its name; `'least'`, the one with the fewest services; or the one that
 * all with the same key share, as long as the same nodes are there.
 */
export type NodePlacement = string | { readonly key: string }

/** @throws `TypeError`, `RangeError` for what is no node, or for a worker that it does not have. */
export function checkNodePlacement(node: unknown, on: Placement | undefined): void {
  if (isObject(node)) {
    checkOptions('launch', 'node', node, ['key'])
    checkText('launch', 'node.key', (node as { readonly key?: unknown }).key)
  } else checkText('launch', 'node', node)
  if (on !== 'same') return
  throw refusal('value', 'launch', 'on', `no 'same' together with 'node'`, on)
}

function byKey(placement: { readonly key: string }, loads: Loads): number {
  checkOptions('launch', 'on', placement, ['key'])
  checkString('launch', 'on.key', placement.key)
  return hashOf(placement.key) % loads.workers
}

/** The same on every worker and in every run (FNV-1a). */
export function hashOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
