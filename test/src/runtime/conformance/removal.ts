// The end of a sandbox, and what other hands leave of one.

import assert from 'node:assert/strict'
import { volumeName } from '../../../../src/names.ts'
import { isHalfRemoved, withoutRunner } from '../../../../src/runtime/held.ts'
import { file } from '../../../support/memory-archive.ts'
import {
  type Check,
  collectLabelOf,
  existing,
  held,
  pathsIn,
  rejects,
  running,
  type Site,
  sandboxOf,
  start,
  studentId,
  workspaceOf,
} from './site.ts'

/** A class whose one container another hand has removed, with a file in its volume. */
async function bereft(site: Site) {
  const { plan, network, id } = await running(site)
  await site.hands.write(id, [file('notes', 'work')])
  await site.hands.removeContainer(id)
  const sandbox = (await sandboxOf(site, plan)) ?? assert.fail('nothing is left')
  return { plan, network, sandbox }
}

export function checkRemoval(check: Check): void {
  check('a stopped sandbox is removed, container before volume, and removing it again is fine', async (site) => {
    const { runtime } = site
    const { plan, network, id } = await running(site)
    const volume = volumeName(plan.classId, studentId, plan.sessionId)
    await rejects(runtime.removeSandbox(id), 'running')
    await runtime.seal(id, 1)
    await rejects(runtime.removeFiles(volume), 'failed')
    await runtime.removeSandbox(id)
    await runtime.removeSandbox(id)
    const left = withoutRunner({ studentId, files: volume, collect: collectLabelOf(site) })
    assert.deepEqual(await sandboxOf(site, plan), left)
    await runtime.removeFiles(volume)
    await runtime.removeFiles(volume)
    assert.deepEqual((await held(site, plan))?.sandboxes, [])
    await runtime.closeNetwork(network.id)
    assert.deepEqual(await runtime.survey(plan.classId), [])
  })

  check('a frozen sandbox is not removed', async (site) => {
    const { plan, id } = await running(site)
    await site.runtime.freeze(id)
    await rejects(site.runtime.removeSandbox(id), 'running')
    assert.equal((await existing(site, plan)).state, 'paused')
  })

  for (const [which, imageOf] of [
    ['the image that it froze', (site: Site) => site.lab.imageId],
    ['any image, where that one is gone', () => `sha256:${'0'.repeat(64)}`],
    ['any image, where it is not known', () => undefined],
  ] as const) {
    check(`a volume without its container is read through ${which}`, async (site) => {
      const { runtime, lab } = site
      const { plan, sandbox } = await bereft(site)
      assert.deepEqual([sandbox.state, sandbox.filesOnly], ['missing', true])
      const id = await runtime.recover(plan, sandbox, lab.workspace, imageOf(site))
      const rescue = await existing(site, plan)
      assert.deepEqual([rescue.id, rescue.filesOnly, rescue.state], [id, true, 'created'])
      assert.equal(await runtime.recover(plan, sandbox, lab.workspace, imageOf(site)), id)
      const { startedAt } = await runtime.seal(id, 1)
      assert.match(startedAt, /^0001-/)
      assert.equal((await workspaceOf(site, id)).get('notes')?.body.toString(), 'work')
      await runtime.removeSandbox(id)
      assert.deepEqual(await sandboxOf(site, plan), sandbox)
    })
  }

  check('a start makes a container around the files of one that lost its own, also beside a rescue', async (site) => {
    const { runtime, lab } = site
    const { plan, sandbox } = await bereft(site)
    const rescue = await runtime.recover(plan, sandbox, lab.workspace, lab.imageId)
    const started = await start(site, plan, await sandboxOf(site, plan))
    const { id, filesOnly, state } = await existing(site, plan)
    assert.deepEqual([id, filesOnly, state], [started.id, false, 'running'])
    assert.notEqual(id, rescue)
    assert.equal(started.madeFiles, undefined)
    assert.deepEqual(await pathsIn(site, id), ['notes'])
  })

  check('a removal that stops half-way is told as that, and is finished once it can be', async (site, skip) => {
    const { runtime, hands } = site
    const { plan, id } = await running(site)
    await hands.write(id, [file('notes', 'work')])
    const release = await hands.halfRemove(id)
    if (!release) return skip("the engine's files are not on this machine")
    const half = await existing(site, plan)
    assert.equal(isHalfRemoved(half), true, half.state)
    await rejects(runtime.removeSandbox(id), 'failed')
    await rejects(start(site, plan, await sandboxOf(site, plan)), 'failed')
    await release()
    await start(site, plan, await sandboxOf(site, plan))
    const fresh = await existing(site, plan)
    assert.deepEqual([fresh.state, fresh.id !== id], ['running', true])
    assert.deepEqual(await pathsIn(site, fresh.id), ['notes'])
  })
}
