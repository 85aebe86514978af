// The counts that a caller sees of a running operation.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Progress } from '../../../src/operations/progress.ts'

test('counts add up, a repeated attempt takes its own back, and each change is told', () => {
  const progress = new Progress()
  let changes = 0
  progress.onChange = () => {
    changes++
  }
  progress.expectStudents(['SV001', 'SV002'])
  progress.expectFiles('SV001', 3, 300)
  progress.expectFiles('SV002', 1, 50)
  progress.filesStored('SV001', 2, 200)
  progress.filesStored('SV001', -2, -200)
  progress.filesStored('sv001', 3, 300)
  progress.studentDone('SV001', 'collected')
  assert.deepEqual(progress.view(), {
    students: { total: 2, done: 1 },
    files: { total: 4, done: 3 },
    bytes: { total: 350, done: 300 },
    phases: [
      { studentId: 'SV001', phase: 'collected' },
      { studentId: 'SV002', phase: 'waiting' },
    ],
  })
  assert.equal(changes, 7)
})

test('totals do not grow where an inventory is taken again', () => {
  const progress = new Progress()
  progress.expectStudents(['SV001'])
  progress.expectFiles('SV001', 3, 300)
  progress.expectFiles('SV001', 3, 300)
  assert.deepEqual([progress.view().files.total, progress.view().bytes.total], [3, 300])
})

test('a view does not change any more', () => {
  const progress = new Progress()
  const before = progress.view()
  progress.expectStudents(['SV001'])
  assert.equal(before.students.total, 0)
})
