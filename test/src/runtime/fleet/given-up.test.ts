// Whose sandbox on a node was given up with it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isGivenUp } from '../../../../src/runtime/fleet/given-up.ts'

const lost = { studentId: 'SV001', number: 0, node: 'b', givenUp: true as const }

test('what was given up is so on its own node alone, and no more once its student was placed there again', () => {
  const elsewhere = [lost, { studentId: 'sv001', number: 1, node: 'a' }]
  assert.deepEqual(
    ['a', 'b', 'c'].map((node) => isGivenUp(elsewhere, node, 'SV001')),
    [false, true, false],
  )
  assert.equal(isGivenUp([lost], 'b', 'SV002'), false)
  assert.equal(isGivenUp([lost, { studentId: 'SV001', number: 1, node: 'b' }], 'b', 'SV001'), false)
})
