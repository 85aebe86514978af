// The class's network is gone while its sandboxes are stopped, as after `docker network prune`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorkedClass, pair, workOf } from '../../support/memory-class.ts'

test('up makes a network that was pruned again, and brings the sandboxes with their work into it', async (t) => {
  const { ofClass, runtime, sessionId } = await openWorkedClass(t)
  for (const studentId of pair) runtime.exit(runtime.container(studentId), 0)
  runtime.pruneNetworks()
  const ids = pair.map((studentId) => runtime.container(studentId).id)
  const answer = await ofClass.up({ students: [...pair, 'SV003'] })
  assert.deepEqual([answer.state, answer.sessionId], ['up', sessionId])
  assert.deepEqual(
    pair.map((studentId) => runtime.container(studentId).id),
    ids,
  )
  for (const studentId of pair) {
    const kept = runtime.volume(studentId).things.map(({ path }) => `${path}`)
    for (const { path } of workOf(studentId)) assert.ok(kept.includes(`${path}`))
  }
  assert.equal((await ofClass.down()).state, 'down')
})

test('a sandbox that runs and was taken out of its network is brought back by the next up', async (t) => {
  const { ofClass, runtime } = await openWorkedClass(t)
  runtime.container('SV001').isDetached = true
  await ofClass.up({ students: pair })
  assert.equal(runtime.container('SV001').isDetached, false)
  assert.ok(!runtime.events.includes('start SV001'))
})

test('a class is taken down without its network', async (t) => {
  const { ofClass, runtime } = await openWorkedClass(t)
  for (const studentId of pair) runtime.exit(runtime.container(studentId), 0)
  runtime.pruneNetworks()
  assert.equal((await ofClass.down()).state, 'down')
})
