// A sandbox from its first start on.

import assert from 'node:assert/strict'
import { specHash } from '../../../../src/catalogue/frozen-lab.ts'
import { containerName, volumeName } from '../../../../src/names.ts'
import { directory, file, symbolicLink } from '../../../support/memory-archive.ts'
import {
  type Check,
  collectLabelOf,
  contentsOf,
  existing,
  failing,
  held,
  lifeOf,
  pathsIn,
  planFor,
  rejects,
  running,
  sandboxOf,
  start,
  studentId,
  workspaceOf,
} from './site.ts'

export function checkSandboxes(check: Check): void {
  check('a sandbox is made and started, and the survey tells it', async (site) => {
    const { runtime, lab } = site
    const plan = planFor(site)
    const network = await runtime.openNetwork(plan)
    const started = await start(site, plan)
    const volume = volumeName(plan.classId, studentId, plan.sessionId)
    const { id, endpoint, server, ...told } = await existing(site, plan)
    assert.deepEqual(started, { id, madeFiles: volume })
    assert.match(endpoint ?? '', /^http:\/\/.+\//)
    assert.match(server ?? '', /^http:\/\/[\d.]+:\d+$/)
    assert.deepEqual(told, {
      studentId,
      collect: collectLabelOf(site),
      files: volume,
      filesOnly: false,
      name: containerName(plan.classId, studentId),
      state: 'running',
      isDetached: false,
      spec: specHash(lab),
    })
    assert.equal((await held(site, plan))?.network?.id, network.id)
    assert.equal((await runtime.survey(plan.classId.toUpperCase()))[0]?.sandboxes[0]?.id, started.id)
  })

  check('that work can be collected is proven, any number of times, and nothing of that stays', async (site) => {
    const { runtime } = site
    const plan = planFor(site)
    const network = await runtime.openNetwork(plan)
    for (let time = 0; time < 2; time++) await runtime.proveCollection(plan, AbortSignal.timeout(30_000))
    assert.deepEqual((await held(site, plan))?.sandboxes, [])
    await runtime.closeNetwork(network.id)
    assert.deepEqual(await runtime.survey(plan.classId), [])
  })

  check('a runtime that keeps to itself what is written in its sandboxes proves nothing', async (site, skip) => {
    const plan = planFor(site)
    await site.runtime.openNetwork(plan)
    if (!site.hands.keepWrites()) return skip('no runtime here does so')
    await rejects(site.runtime.proveCollection(plan, AbortSignal.timeout(30_000)), 'runtime-unfit')
    assert.deepEqual((await held(site, plan))?.sandboxes, [])
  })

  check('to start what runs is to leave it as it is', async (site) => {
    const { plan, id } = await running(site)
    const life = await lifeOf(site, id)
    const found = await sandboxOf(site, plan)
    const started = await start(site, plan, found, contentsOf(file('late', 'too late')))
    assert.equal(started.madeFiles, undefined)
    assert.equal(await lifeOf(site, id), life)
    assert.deepEqual(await sandboxOf(site, plan), found)
    assert.deepEqual(await pathsIn(site, id), [])
  })

  check('a start whose answer was lost finds what it has made', async (site) => {
    const { plan, id } = await running(site)
    const life = await lifeOf(site, id)
    const started = await start(site, plan)
    assert.equal(started.id, id)
    assert.equal(await lifeOf(site, id), life)
  })

  check('what has died is started again with its files, and so is what was stopped', async (site) => {
    const { runtime, hands } = site
    const { plan, id } = await running(site)
    await hands.write(id, [file('notes', 'work')])
    const life = await lifeOf(site, id)
    await hands.kill(id)
    assert.equal((await existing(site, plan)).state, 'exited')
    await start(site, plan, await sandboxOf(site, plan), contentsOf(file('late', 'too late')))
    assert.deepEqual([(await existing(site, plan)).id, await pathsIn(site, id)], [id, ['notes']])
    assert.notEqual(await lifeOf(site, id), life)
    await runtime.seal(id, 1)
    await start(site, plan, await sandboxOf(site, plan))
    assert.deepEqual([(await existing(site, plan)).state, await pathsIn(site, id)], ['running', ['notes']])
  })

  check('what it ran out of and how often it was started again is told, and how it ended last', async (site) => {
    const { runtime, hands, remembersExhaustion } = site
    const plan = site.greedy(planFor(site))
    await runtime.openNetwork(plan)
    await start(site, plan)
    const { id } = await existing(site, plan)
    assert.deepEqual(await runtime.lifeOf(id), { startedAt: await lifeOf(site, id), restarts: 0, lastDeath: null })
    await hands.exhaustMemory(id)
    const { startedAt, restarts, lastDeath } = await runtime.lifeOf(id)
    assert.equal(startedAt, await lifeOf(site, id))
    assert.ok(restarts >= 1, `${restarts}`)
    assert.ok(lastDeath && startedAt && new Date(lastDeath.at) < new Date(startedAt), 'it ended before it began again')
    assert.deepEqual([lastDeath.outOfMemory, lastDeath.exitCode], [remembersExhaustion ? true : null, null])
    await hands.kill(id)
    const killed = (await runtime.lifeOf(id)).lastDeath
    assert.deepEqual([killed?.outOfMemory, killed?.exitCode], [false, 137])
    await start(site, plan, await sandboxOf(site, plan))
    assert.equal((await runtime.lifeOf(id)).restarts, 0, 'started by a call')
    await rejects(runtime.lifeOf('0'.repeat(64)), 'gone')
  })

  check('contents lie in the workspace before the first start, and are never given again', async (site) => {
    const { runtime, rootId } = site
    const contents = contentsOf(
      { path: '', type: 'directory', mode: 0o700 },
      directory('src'),
      file('src/main.c', 'int main;', { uid: 1234, gid: 1235, mode: 0o640 }),
      symbolicLink('link', 'src/main.c'),
    )
    const { plan, id } = await running(site, contents)
    const sealed = await runtime.seal(id, 1)
    const entries = await workspaceOf(site, sealed.id)
    assert.deepEqual([...entries.keys()].sort(), ['', 'link', 'src', 'src/main.c'])
    assert.equal(entries.get('')?.mode, 0o700)
    const { body, uid, gid, mode } = entries.get('src/main.c') ?? assert.fail()
    assert.deepEqual([body.toString(), uid, gid, mode], ['int main;', rootId + 1234, rootId + 1235, 0o640])
    assert.deepEqual([entries.get('link')?.type, entries.get('link')?.target], ['symbolic-link', 'src/main.c'])
    await start(site, plan, await sandboxOf(site, plan), contentsOf(file('src/main.c', 'other'), file('more')))
    assert.deepEqual(await pathsIn(site, id), ['link', 'src', 'src/main.c'])
  })

  check('a sandbox that was made and not started gets its contents at its first start', async (site) => {
    const { runtime, hands } = site
    const plan = planFor(site)
    await runtime.openNetwork(plan)
    hands.refuseStart()
    await rejects(start(site, plan), 'failed')
    assert.equal((await existing(site, plan)).state, 'created')
    const started = await start(site, plan, await sandboxOf(site, plan), contentsOf(file('given', 'at first')))
    assert.equal(started.madeFiles, undefined)
    assert.deepEqual(await pathsIn(site, started.id ?? ''), ['given'])
  })

  check('contents are rehearsed: what cannot be put into a workspace is refused', async (site) => {
    const { runtime } = site
    const plan = planFor(site)
    assert.deepEqual(await runtime.rehearse(plan, contentsOf(directory('a'), file('a/b', 'text'))), [])
    await rejects(runtime.rehearse(plan, contentsOf({ path: 'pipe', type: 'fifo' })), 'failed')
    const fault = new Error('the bag is not whole')
    const broken = contentsOf({ path: 'a', size: 3, body: () => failing(fault) })
    await assert.rejects(runtime.rehearse(plan, broken), (error) => error === fault)
    assert.deepEqual(await runtime.survey(plan.classId), [])
  })

  for (const [kind, nameOf] of [
    ['container', (plan) => containerName(plan.classId, studentId)],
    ['volume', (plan) => volumeName(plan.classId, studentId, plan.sessionId)],
  ] as const satisfies readonly (readonly [string, (plan: ReturnType<typeof planFor>) => string])[]) {
    check(`a ${kind} of another hand's under the sandbox's name is never taken for it`, async (site) => {
      const plan = planFor(site)
      await site.runtime.openNetwork(plan)
      await site.hands.take(kind, nameOf(plan))
      await rejects(start(site, plan), 'name-taken')
      assert.equal((await sandboxOf(site, plan))?.id, undefined)
    })
  }

  check('a sandbox of another lab than the session froze is left alone', async (site) => {
    const { plan, id } = await running(site)
    const life = await lifeOf(site, id)
    const other = { ...plan, frozenLab: { ...plan.frozenLab, memoryMb: plan.frozenLab.memoryMb + 1 } }
    await rejects(start(site, other, await sandboxOf(site, plan)), 'name-taken')
    await rejects(start(site, other), 'name-taken')
    assert.equal(await lifeOf(site, id), life)
  })

  check('without its image no sandbox is made', async (site) => {
    const plan = planFor(site)
    await site.runtime.openNetwork(plan)
    const imageId = `sha256:${'0'.repeat(64)}`
    const { imageDigest: _, ...lab } = plan.frozenLab
    await rejects(start(site, { ...plan, frozenLab: { ...lab, imageId } }), 'image-missing')
    assert.equal((await sandboxOf(site, plan))?.id, undefined)
  })

  check('an image that has another id on this engine is taken by its digest', async (site, skip) => {
    if (site.lab.imageDigest === undefined) return skip('the image was never in a registry')
    const plan = planFor(site)
    await site.runtime.openNetwork(plan)
    const imageId = `sha256:${'0'.repeat(64)}`
    const { id } = await start(site, { ...plan, frozenLab: { ...plan.frozenLab, imageId } })
    const { imageId: real } = await site.runtime.seal(id ?? '', 1)
    assert.equal(real, site.lab.imageId)
    assert.equal((await site.runtime.image(site.lab.imageDigest))?.id, real)
  })

  check('a sandbox that somebody paused is not started over their head', async (site) => {
    const { plan, id } = await running(site)
    await site.hands.pause(id)
    assert.equal((await existing(site, plan)).state, 'paused')
    await rejects(start(site, plan, await sandboxOf(site, plan)), 'failed')
    assert.equal((await existing(site, plan)).state, 'paused')
  })

  check('one that runs is ready; of one that ends or is gone it is said why it is not', async (site) => {
    const { runtime } = site
    const signal = AbortSignal.timeout(30_000)
    const { plan, id } = await running(site)
    assert.deepEqual(await runtime.waitReady(plan, [id], signal), new Map())
    const other = site.ending(planFor(site), studentId)
    await runtime.openNetwork(other)
    await start(site, other)
    const ended = (await existing(site, other)).id
    await site.hands.removeContainer(id)
    const [[sameId, why] = []] = [...(await runtime.waitReady(other, [ended], signal))]
    assert.equal(sameId, ended)
    assert.match(why ?? '', /\w/)
    assert.deepEqual([...(await runtime.waitReady(plan, [id], signal)).keys()], [id])
  })

  check('a command is run in a sandbox that runs, and in no other', async (site) => {
    const { runtime } = site
    const { id } = await running(site)
    const { exitCode, stdout, stderr } = await runtime.exec(id, ['true'], 10_000)
    assert.deepEqual([exitCode, stdout.length, stderr.length], [0, 0, 0])
    await runtime.seal(id, 1)
    await rejects(runtime.exec(id, ['true'], 10_000), 'failed')
    await rejects(runtime.exec('0'.repeat(64), ['true'], 10_000), 'gone')
  })
}
