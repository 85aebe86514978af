// One student's sandbox: how often it was started again, and how it ended last.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import { engineGone } from '../../../support/memory-runtime.ts'
import { openService, problemOf } from '../../../support/memory-service.ts'

const path = '/room/classes/os101-a/students/SV001'

test('a sandbox that took too much memory says so, beside all that the class says of it', async (t) => {
  const { get, ofClass } = await openService(t)
  await ofClass.up()
  const container = ofClass.runtime.container('SV001')
  const first = (await get(path)).json()
  assert.deepEqual(first.life, { startedAt: container.startedAt, restarts: 0, lastDeath: null })

  ofClass.runtime.exhaustMemory(container)
  const { life, classId, ...sandbox } = (await get('/room/classes/OS101-A/students/sv001')).json()
  const { startedAt, finishedAt: at } = container
  assert.deepEqual(life, { startedAt, restarts: 1, lastDeath: { at, exitCode: null, outOfMemory: true } })
  const { sandboxes } = (await get('/room/classes/os101-a')).json()
  assert.deepEqual([classId, sandbox], ['os101-a', sandboxes[0]])

  ofClass.runtime.exit(container, 3)
  const ended = (await get(path)).json()
  assert.deepEqual([ended.state, ended.life.lastDeath.exitCode], ['exited', 3])
})

test('while the engine does not say how a sandbox has lived, its state is told all the same', async (t) => {
  const { get, ofClass } = await openService(t)
  await ofClass.up()
  ofClass.runtime.before = (event) => {
    if (event === 'life SV001') throw new RuntimeError('failed', 'The service was stopping.')
  }
  const { state, life } = (await get(path)).json()
  assert.deepEqual([state, life], ['running', null])
})

test('who has no sandbox is missing, and who is in neither session nor roster is unknown', async (t) => {
  const { get, ofClass } = await openService(t)
  const seen = async () => {
    const { state, containerId, life } = (await get(path)).json()
    return [state, containerId, life]
  }
  assert.deepEqual(await seen(), ['missing', null, null])
  await ofClass.up()
  ofClass.runtime.containers.delete(ofClass.runtime.container('SV001').id)
  assert.deepEqual(await seen(), ['missing', null, null], 'only its files are there')
  assert.equal(problemOf(await get('/room/classes/os101-a/students/SV999')).code, 'unknown-student')
  assert.equal(problemOf(await get('/room/classes/gone/students/SV001')).code, 'unknown-class')
  ofClass.runtime.before = () => {
    throw engineGone()
  }
  assert.equal(problemOf(await get(path)).code, 'engine-unavailable')
})
