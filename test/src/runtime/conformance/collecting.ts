// What a collection takes from a sandbox: stopped or frozen, its files, its log.

import assert from 'node:assert/strict'
import { collected } from '../../../engine-api/cut.ts'
import { directory, file, hardLink, symbolicLink, type Thing } from '../../../support/memory-archive.ts'
import { seededBytes } from '../../store/bodies.ts'
import {
  bytesOf,
  type Check,
  existing,
  latin1,
  pathsIn,
  planFor,
  rejects,
  running,
  sandboxOf,
  start,
  workspaceOf,
} from './site.ts'

const absent = '0'.repeat(64)

const everything: readonly Thing[] = [
  file('notes.txt', 'hello'),
  file('empty'),
  directory('src'),
  file('src/main.c', 'int main;', { mode: 0o600 }),
  hardLink('src/second', 'src/main.c'),
  symbolicLink('link', '../elsewhere'),
  { path: 'pipe', type: 'fifo' },
  directory('nothing-in-it'),
  file(Buffer.from('bad\xff', 'latin1'), '1'),
  file(Buffer.from('bad\xfe', 'latin1'), '22'),
  file(' blank\tand\nline ', '333'),
  file('x'.repeat(255), '4'),
  file('large', seededBytes(3_000_000, 3)),
]

export function checkCollecting(check: Check): void {
  check('what is stopped stays so, and is told alike each time', async (site) => {
    const { runtime, lab } = site
    const { plan, id } = await running(site)
    const stopped = await runtime.seal(id, 1)
    const { startedAt, finishedAt, ...facts } = stopped
    assert.deepEqual(facts, { id, exitCode: 143, outOfMemory: false, imageId: lab.imageId })
    assert.ok(Date.parse(startedAt) <= Date.parse(finishedAt), `${startedAt} to ${finishedAt}`)
    assert.equal((await existing(site, plan)).state, 'exited')
    assert.deepEqual(await runtime.seal(id, 1), stopped)
    assert.deepEqual(await runtime.inspectSealed(id), stopped)
  })

  check('what runs is not taken for stopped, also where another hand has started it again', async (site) => {
    const { runtime, hands } = site
    const { plan, id } = await running(site)
    await rejects(runtime.inspectSealed(id), 'running')
    const stopped = await runtime.seal(id, 1)
    await hands.start(id)
    await rejects(runtime.inspectSealed(id), 'running')
    await rejects(runtime.removeSandbox(id), 'running')
    assert.equal((await existing(site, plan)).state, 'running')
    assert.notEqual((await runtime.seal(id, 1)).startedAt, stopped.startedAt)
  })

  check('what is not there can be neither stopped, frozen, looked at nor read', async ({ runtime, lab }) => {
    await rejects(runtime.seal(absent, 1), 'gone')
    await rejects(runtime.freeze(absent), 'gone')
    await rejects(runtime.inspectSealed(absent), 'gone')
    await rejects(collected(runtime.logs(absent, new AbortController().signal)), 'gone')
    await rejects(collected(runtime.archive(absent, lab.workspace, new AbortController().signal)), 'archive')
  })

  check('a frozen sandbox stands still until it is let go on, and is the same life then', async (site) => {
    const { runtime, hands } = site
    const { plan, id } = await running(site)
    await hands.write(id, [file('a', 'work')])
    const { startedAt, ...facts } = await runtime.freeze(id)
    assert.deepEqual(facts, {
      id,
      finishedAt: null,
      exitCode: null,
      outOfMemory: false,
      imageId: site.lab.imageId,
    })
    assert.equal((await existing(site, plan)).state, 'paused')
    assert.equal((await workspaceOf(site, id)).get('a')?.body.toString(), 'work')
    assert.equal((await runtime.freeze(id)).startedAt, startedAt)
    await runtime.thaw(id)
    await runtime.thaw(id)
    assert.equal((await existing(site, plan)).state, 'running')
    assert.equal((await runtime.freeze(id)).startedAt, startedAt)
    await runtime.thaw(id)
    const stopped = await runtime.seal(id, 1)
    assert.equal(stopped.startedAt, startedAt)
    await rejects(runtime.freeze(id), 'failed')
    await runtime.thaw(id)
    assert.deepEqual(await runtime.inspectSealed(id), stopped)
  })

  check('an archive has everything as the student left it, parents and first names first', async (site) => {
    const { runtime, hands, rootId } = site
    const { id } = await running(site)
    await hands.write(id, everything)
    await runtime.seal(id, 1)
    const entries = await workspaceOf(site, id)
    const paths = [...entries.keys()]
    assert.equal(paths[0], '')
    assert.deepEqual(paths.slice(1).sort(), everything.map(({ path }) => latin1(path)).sort())
    for (const thing of everything) {
      const path = latin1(thing.path)
      const { type, size, target, body, mode, uid, gid } = entries.get(path) ?? assert.fail(path)
      const parent = path.slice(0, Math.max(path.lastIndexOf('/'), 0))
      assert.ok(paths.indexOf(parent) < paths.indexOf(path), path)
      // Which of two names is the first is the engine's to say.
      if (path === 'src/second' || path === 'src/main.c') continue
      assert.deepEqual([type, target], [thing.type ?? 'file', latin1(thing.linkTarget ?? '')], path)
      assert.deepEqual([size, uid, gid], [bytesOf(thing).length, rootId + 1000, rootId + 1000], path)
      assert.ok(body.equals(bytesOf(thing)), path)
      if (thing.mode !== undefined && thing.type !== 'symbolic-link') assert.equal(mode & 0o777, thing.mode, path)
    }
    const [first, second] = ['src/main.c', 'src/second'].sort((a, b) => paths.indexOf(a) - paths.indexOf(b))
    const [one, two] = [first, second].map((path) => entries.get(path ?? ''))
    assert.deepEqual([one?.type, one?.body.toString(), one?.mode], ['file', 'int main;', 0o600])
    assert.deepEqual([two?.type, two?.target, two?.size], ['hard-link', first, 0])
  })

  check('a body is read in part or not at all, and the entries behind it come all the same', async (site) => {
    const { runtime, hands, lab } = site
    const { id } = await running(site)
    await hands.write(id, everything)
    await runtime.seal(id, 1)
    let entries = 0
    for await (const _ of runtime.archive(id, lab.workspace, new AbortController().signal)) entries += 1
    assert.equal(entries, everything.length + 1)
  })

  check('a workspace that is not there is an error, never one without files', async (site) => {
    const { runtime } = site
    const { id } = await running(site)
    await runtime.seal(id, 1)
    const signal = new AbortController().signal
    await rejects(collected(runtime.archive(id, '/nowhere/student', signal)), 'archive')
    assert.deepEqual([...(await workspaceOf(site, id)).keys()], [''])
  })

  check('an archive that breaks off is an error, and the next one is whole', async (site) => {
    const { runtime, hands } = site
    const { id } = await running(site)
    await hands.write(id, everything)
    await runtime.seal(id, 1)
    hands.cutArchive(id)
    await rejects(workspaceOf(site, id), 'archive')
    assert.equal((await workspaceOf(site, id)).size, everything.length + 1)
  })

  check('a reading ends when it is told to', async (site) => {
    const { runtime, hands, lab } = site
    const { id } = await running(site)
    await hands.write(id, everything)
    await runtime.seal(id, 1)
    const abort = new AbortController()
    const reading = async () => {
      for await (const _ of runtime.archive(id, lab.workspace, abort.signal)) abort.abort(new Error('enough'))
    }
    await assert.rejects(reading())
  })

  check('a sandbox that was made and never started has an empty workspace', async (site) => {
    const { runtime, hands } = site
    const plan = planFor(site)
    await runtime.openNetwork(plan)
    hands.refuseStart()
    await rejects(start(site, plan), 'failed')
    const { id, startedAt } = await runtime.seal((await existing(site, plan)).id, 1)
    assert.match(startedAt, /^0001-/)
    assert.deepEqual([...(await workspaceOf(site, id)).keys()], [''])
  })

  check('a log is told in its two streams, whole or its last records alone', async (site) => {
    const { runtime, hands } = site
    const { id } = await running(site)
    const signal = new AbortController().signal
    const lines = async (last?: number) => {
      const pieces = await collected(runtime.logs(id, signal, last))
      return pieces
        .map(({ stream, bytes }) => `${stream}: ${Buffer.from(bytes)}`)
        .filter((line) => / \d+\n$/.test(line))
    }
    for (const number of [1, 2, 3]) await hands.print(id, 'stdout', `line ${number}\n`)
    await hands.print(id, 'stderr', 'fault 4\n')
    await runtime.seal(id, 1)
    assert.deepEqual(await lines(), ['stdout: line 1\n', 'stdout: line 2\n', 'stdout: line 3\n', 'stderr: fault 4\n'])
    assert.deepEqual(await lines(2), ['stdout: line 3\n', 'stderr: fault 4\n'])
  })

  check('a log of what runs can be read, and ends', async (site) => {
    const { plan, id } = await running(site)
    await site.hands.print(id, 'stdout', 'line 1\n')
    const pieces = await collected(site.runtime.logs(id, new AbortController().signal))
    assert.match(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString(), /line 1\n$/)
    assert.deepEqual(await pathsIn(site, id), [])
    assert.equal((await sandboxOf(site, plan))?.state, 'running')
  })
}
