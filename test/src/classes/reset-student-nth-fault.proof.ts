// A reset of a student with a fault at the nth call, for n = 1, 2, 3 … until a reset meets none: nothing is lost, and nobody stays without a word.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pair, workOf } from '../../support/memory-class.ts'
import { isCollected } from '../../support/memory-referee.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { classUp, openUp } from '../../support/opened-service.ts'

for (const [side, comesUpAgain] of [
  ['before', true],
  ['before', false],
  ['after', true],
  ['after', false],
] as const) {
  const next = comesUpAgain ? 'an up and a down' : 'a down'
  test(`a fault ${side} the engine’s nth call loses nothing and, in ${next} after it, nobody, for every n`, async (t) => {
    for (let failing = 1, more = true; more; failing++) {
      const { reset, ofClass, folderOf } = await openUp(t)
      let calls = 0
      ofClass.runtime[side] = () => {
        calls += 1
        if (calls === failing) throw engineGone()
      }
      const { statusCode } = await reset()
      assert.ok([200, 502, 503].includes(statusCode), `${statusCode}`)
      ofClass.runtime.before = () => {}
      ofClass.runtime.after = () => {}
      if (comesUpAgain) {
        assert.equal((await ofClass.up({ students: pair })).state, 'up', `${failing}`)
        assert.deepEqual(ofClass.runtime.held(), classUp)
      }
      const down = await ofClass.down()
      assert.deepEqual(new Set(down.students.map(({ state }) => state)), new Set(['removed']), `${failing}`)
      for (const studentId of pair) assert.ok(await isCollected(folderOf(studentId), workOf(studentId)))
      more = calls >= failing
    }
  })
}
