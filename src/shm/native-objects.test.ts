import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NATIVE_OBJECTS_MAX } from '../base/limits.ts'
import { NativeObjects } from './native-objects.ts'

test('what a worker has left is whoever buries it, once', () => {
  const memory = NativeObjects.memory(2)
  const [first, second] = [new NativeObjects(memory, 0), new NativeObjects(memory, 1)]
  const places = [7, -8, 2 ** 47].map((object) => first.add(object))
  second.add(9)
  first.remove(places[0]!)
  assert.deepEqual(NativeObjects.takeAll(memory, 0), [-8, 2 ** 47])
  assert.deepEqual(NativeObjects.takeAll(memory, 0), [])
  assert.deepEqual(NativeObjects.takeAll(memory, 1), [9])
})

// Proves: docs/limits.md#tls-objects
test('places are used again, and end at the limit', () => {
  const objects = new NativeObjects(NativeObjects.memory(1), 0)
  const places = Array.from({ length: NATIVE_OBJECTS_MAX }, (_, index) => objects.add(index + 1))
  assert.equal(new Set(places).size, NATIVE_OBJECTS_MAX)
  assert.ok(!places.includes(0))
  assert.equal(objects.add(1), 0)
  objects.remove(places[5]!)
  assert.equal(objects.add(1), places[5])
  assert.equal(objects.add(1), 0)
})
