// Requests against the catalogue alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCatalogue } from '../../../../src/catalogue/catalogue.ts'
import { orderUp } from '../../../../src/classes/up/order.ts'
import { Problem } from '../../../../src/problems.ts'
import { catalogueText, students } from '../../../support/memory-class.ts'

const catalogue = parseCatalogue(catalogueText({ ttlMinutes: 60, maxLifeMinutes: 120 }))
const order = (request: object = {}) => orderUp(catalogue, { classId: 'OS101-A', ...request })

test('what a request leaves out comes from the catalogue', () => {
  const { ofClass, labName, askedLab, students: asked, ttlMinutes, allowPartial } = order()
  assert.deepEqual(
    { classId: ofClass.classId, labName, askedLab, asked, ttlMinutes, allowPartial },
    {
      classId: 'os101-a',
      labName: 'linux-shell',
      askedLab: false,
      asked: students,
      ttlMinutes: 60,
      allowPartial: false,
    },
  )
})

test('what it asks for is taken, students in its own order and the spelling of the roster', () => {
  const asked = order({ students: ['sv003', 'Sv001'], lab: 'OTHER', ttlMinutes: 720, allowPartial: true })
  assert.deepEqual(asked.students, ['SV003', 'SV001'])
  assert.equal(asked.labName, 'other')
  assert.equal(asked.askedLab, true)
  assert.equal(asked.ttlMinutes, 720)
  assert.equal(asked.allowPartial, true)
})

test('what the catalogue does not allow is a problem that names it', () => {
  const empty = parseCatalogue(catalogueText().replace(JSON.stringify(students), '[]'))
  const cases: [() => unknown, string, RegExp][] = [
    [() => order({ classId: 'gone' }), 'unknown-class', /'gone'/],
    [() => order({ lab: 'gone' }), 'unknown-lab', /'gone'/],
    [() => order({ ttlMinutes: 121 }), 'invalid-request', /121.*120/],
    [() => order({ students: ['SV001', 'SV9'] }), 'unknown-student', /'SV9'/],
    [() => order({ students: ['SV001', 'sv001'] }), 'duplicate-student', /'sv001'/],
    [() => orderUp(empty, { classId: 'os101-a' }), 'roster-empty', /'os101-a'/],
  ]
  for (const [call, code, detail] of cases) {
    assert.throws(call, (error) => error instanceof Problem && error.code === code && detail.test(error.message), code)
  }
  assert.equal(order({ ttlMinutes: 120 }).ttlMinutes, 120)
})
