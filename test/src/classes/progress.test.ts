// The counts that a caller sees of a running operation.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Progress } from '../../../src/classes/progress.ts'

test('counts add up, a repeated attempt takes its own back, and each change is told', () => {
  const progress = new Progress()
  let changes = 0
  progress.onChange = () => {
    changes++
  }
  progress.expectStudents(2)
  progress.expectFiles(3, 300)
  progress.expectFiles(1, 50)
  progress.filesStored(2, 200)
  progress.filesStored(-2, -200)
  progress.filesStored(3, 300)
  progress.studentDone()
  assert.deepEqual(progress.view(), {
    students: { total: 2, done: 1 },
    files: { total: 4, done: 3 },
    bytes: { total: 350, done: 300 },
  })
  assert.equal(changes, 7)
})

test('a view does not change any more', () => {
  const progress = new Progress()
  const before = progress.view()
  progress.expectStudents(5)
  assert.equal(before.students.total, 0)
})
