// The files of a sandbox where the engine has other things than expected: absent workspaces, links, trees too deep. None is taken
// for an empty workspace. The engine's answers are hand-made; what goes well runs on recorded ones.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packTar, type TarInput } from '../../../../engine-api/index.ts'
import { containerName, label } from '../../../../src/names.ts'
import { archiveSandbox } from '../../../../src/runtime/docker/archive.ts'
import type { DockerContext } from '../../../../src/runtime/docker/context.ts'
import { collected } from '../../../engine-api/cut.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { inspectedContainer, isError, json, ours, plan, serve, studentId, volume } from './hand-made.ts'

const { classId } = plan

async function pathsOf(context: DockerContext): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of archiveSandbox(context, 'c', '/home/student', new AbortController().signal)) {
    paths.push(path.toString())
  }
  return paths
}

const facts = { mode: 0o755, uid: 1000, gid: 1000, mtimeMs: 0 }
const workspace = { ...facts, name: 'student', type: 'directory' } as const

const archive = async (...things: TarInput[]): Promise<Buffer> => Buffer.concat(await collected(packTar(things)))

/** What the engine answers where the path is a symbolic link: that link and nothing behind it. */
async function linkArchive(): Promise<Buffer> {
  const tar = await archive({ ...facts, name: 'student', type: 'file' })
  tar.write('2elsewhere', 156)
  const sum = tar
    .fill(' ', 148, 156)
    .subarray(0, 512)
    .reduce((total, byte) => total + byte, 0)
  tar.write(`${sum.toString(8).padStart(6, '0')}\0`, 148)
  return tar
}

test('the entries of a workspace come with their paths from there', async (t) => {
  const tar = await archive(workspace, { ...facts, name: 'student/a', type: 'file', body: Buffer.from('work') })
  const { context } = await serve(t, { 'GET /containers/c/archive': answerOf(200, tar) })
  assert.deepEqual(await pathsOf(context), ['', 'a'])
})

test('a workspace or a sandbox that is not there is an error, never an empty workspace', async (t) => {
  for (const message of ['Could not find the file /home/student in container c', 'No such container: c']) {
    const { context } = await serve(t, { 'GET /containers/c/archive': json(404, { message }) })
    await assert.rejects(pathsOf(context), isError('archive'))
  }
})

test('a sandbox that never ran and was never given a workspace gets one, and no other does', async (t) => {
  const found = answerOf(200, await archive(workspace))
  const absent = json(404, { message: 'Could not find the file /home/student in container c' })
  const mine = { ...ours, [label.class]: classId, [label.student]: studentId }
  const reading = async (name: string, labels: Readonly<Record<string, string>>, StartedAt: string) => {
    const { Config, State, ...inspected } = inspectedContainer('c', name, labels)
    const { context, calls } = await serve(t, {
      'GET /containers/c/archive': [absent, found],
      'GET /containers/c/json': json(200, {
        ...inspected,
        Config: { ...Config, User: '1000:1000' },
        State: { ...State, StartedAt },
      }),
      'PUT /containers/c/archive': answerOf(200),
    })
    return { paths: pathsOf(context), calls }
  }
  const never = '0001-01-01T00:00:00Z'
  const own = containerName(classId, studentId)
  const { paths, calls } = await reading(own, mine, never)
  assert.deepEqual(await paths, [''])
  assert.deepEqual(calls(), [
    'GET /containers/c/archive',
    'GET /containers/c/json',
    'PUT /containers/c/archive',
    'GET /containers/c/archive',
  ])
  const others: Parameters<typeof reading>[] = [
    [own, mine, '2026-01-02T03:04:05Z'],
    // Around a volume that a container of the student's had before.
    [volume, mine, never],
    [own, ours, never],
  ]
  for (const other of others) {
    const { paths, calls } = await reading(...other)
    await assert.rejects(paths, isError('archive'))
    assert.equal(calls().includes('PUT /containers/c/archive'), false)
  }
})

test('a volume that holds nothing at all was made for a sandbox that never came to be, and is read as empty', async (t) => {
  const absent = json(404, { message: 'Could not find the file /home/student in container c' })
  const home = { ...facts, name: 'home', type: 'directory' } as const
  const { Config, ...inspected } = inspectedContainer('c', volume, {
    ...ours,
    [label.class]: classId,
    [label.student]: studentId,
  })
  const reading = async (...above: TarInput[]) => {
    const { context, calls } = await serve(t, {
      'GET /containers/c/archive': [
        absent,
        answerOf(200, await archive(home, ...above)),
        answerOf(200, await archive(workspace)),
      ],
      'GET /containers/c/json': json(200, { ...inspected, Config: { ...Config, User: '' } }),
      'PUT /containers/c/archive': answerOf(200),
    })
    return { paths: pathsOf(context), calls }
  }
  assert.deepEqual(await (await reading()).paths, [''])
  const { paths, calls } = await reading({ ...facts, name: 'home/student.old', type: 'directory' })
  await assert.rejects(paths, isError('archive'))
  assert.equal(calls().includes('PUT /containers/c/archive'), false)
})

test('a workspace that is no directory any more is an error, never an empty workspace', async (t) => {
  const elsewhere = await archive({ ...workspace, name: 'other' })
  for (const tar of [await linkArchive(), await archive({ ...workspace, type: 'file' }), elsewhere]) {
    const { context } = await serve(t, { 'GET /containers/c/archive': answerOf(200, tar) })
    await assert.rejects(pathsOf(context), isError('archive'))
  }
})

test('a directory too deep for the engine is an error, a file with as long a path is not', async (t) => {
  const pathOf = (length: number): string => 'd/'.repeat(length).slice(0, length - '/home/student/'.length)
  const served = async (length: number, type: 'directory' | 'file') => {
    const tar = await archive(workspace, { ...facts, name: `student/${pathOf(length)}`, type })
    return (await serve(t, { 'GET /containers/c/archive': answerOf(200, tar) })).context
  }
  assert.equal((await pathsOf(await served(3499, 'directory'))).length, 2)
  assert.equal((await pathsOf(await served(3501, 'file'))).length, 2)
  await assert.rejects(pathsOf(await served(3501, 'directory')), isError('archive'))
})
