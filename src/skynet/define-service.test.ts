import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInThisContext } from 'node:vm'
import { fileOf } from '../modules/definition.ts'
import { defineService } from './define-service.ts'

test('fileOf is the file that called defineService, undefined when there is none', () => {
  const { stackTraceLimit, prepareStackTrace } = Error
  const here = defineService(() => {})
  assert.equal(fileOf(here), import.meta.url)
  assert.equal(fileOf(here), import.meta.url, 'asked again')
  const nowhere = runInThisContext('(define) => define(() => {})')(defineService)
  assert.equal(fileOf(nowhere), undefined)
  assert.equal(fileOf({}), undefined)
  assert.deepEqual(
    [Error.stackTraceLimit, Error.prepareStackTrace],
    [stackTraceLimit, prepareStackTrace],
  )
})
