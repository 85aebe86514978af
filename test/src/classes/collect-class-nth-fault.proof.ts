// A snapshot with a fault at the nth call of the engine, for n = 1, 2, 3 … until one meets none: nobody is left standing still.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pair, workOf } from '../../support/memory-class.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { openService } from '../../support/memory-service.ts'

test('an engine that fails once at its nth call leaves nobody standing still, for every n', async (t) => {
  for (let failing = 1; ; failing++) {
    const { app, ofClass, post } = await openService(t)
    await ofClass.up({ students: pair })
    for (const studentId of pair) ofClass.runtime.write(studentId, ...workOf(studentId))
    let calls = 0
    ofClass.runtime.before = () => {
      calls++
      if (calls === failing) throw engineGone()
    }
    await post('/room/collect-class', { classId: 'os101-a' })
    ofClass.runtime.before = () => {}
    await post('/room/collect-class', { classId: 'os101-a' })
    assert.deepEqual(
      ofClass.runtime.held().slice(0, 2),
      pair.map((studentId) => `container ${studentId} running`),
      `call ${failing}`,
    )
    assert.equal((await ofClass.down()).state, 'down')
    await app.close()
    if (calls < failing) break
  }
})
