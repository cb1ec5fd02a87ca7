import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { List, ListNode } from './list.ts'

class Item extends ListNode {}

test('List holds what was added and not removed, youngest first, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 100 }), (steps) => {
      const items = Array.from({ length: 10 }, () => new Item())
      const list = new List<Item>()
      let model: Item[] = []
      for (const step of steps) {
        const item = items[step]!
        if (model.includes(item)) {
          list.remove(item)
          model = model.filter((other) => other !== item)
          assert.deepEqual([item.next, item.previous], [undefined, undefined])
        } else {
          list.add(item)
          model.unshift(item)
        }
        const seen: ListNode[] = []
        for (let node: ListNode | undefined = list.first; node; node = node.next) seen.push(node)
        assert.equal(seen.length, model.length)
        assert.ok(seen.every((node, i) => node === model[i] && node.previous === model[i - 1]))
      }
    }),
  )
})
