// Waiting for sandboxes while the engine answers some of the calls late or never. Its answers are hand-made; that sandboxes which
// run, end or are unhealthy are told apart is tried on a live engine (test/live/failure-up.proof.ts).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitReady } from '../../../../src/runtime/docker/ready.ts'
import type { SessionIdentity } from '../../../../src/runtime/held.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { contextWith, inspectedContainer } from './hand-made.ts'

const summary = (Id: string) => ({ Id, Image: 'i', ImageID: 'i', Created: 0, State: 'running', Status: 'Up 1 second' })

function inspected(id: string) {
  const container = inspectedContainer(id, id)
  const State = { ...container.State, Status: 'running', Running: true, StartedAt: '2026-01-02T03:04:05Z' }
  return { ...container, State }
}

test('a class whose inspections all hang does not keep another class waiting', async (t) => {
  const hung = Array.from({ length: 40 }, (_, index) => `hung-${index}`)
  let asked = 0
  const { context, server } = await contextWith(t, (socket, { target }) => {
    const id = /containers\/([^/]+)\/json/.exec(target)?.[1]
    if (id?.startsWith('hung')) asked += 1
    else socket.write(answerOf(200, JSON.stringify(id ? inspected(id) : [...hung, 'well'].map(summary))))
  })
  const session = (classId: string) => ({
    classId,
    sessionId: '20260102t030405678z-00ff',
    subject: 'os101',
    lab: 'shell',
    createdBy: 't-lan',
    expiresAt: '2026-01-02T06:04:05.678Z',
  })
  const never = new AbortController().signal
  const outcome = waitReady(context, session('a'), hung, never).catch(() => 'given up')
  await server.until(() => asked > 0)
  assert.deepEqual(await waitReady(context, session('b'), ['well'], never), new Map())
  await context.engine.close()
  assert.equal(await outcome, 'given up')
})

const up: SessionIdentity = {
  classId: 'a',
  sessionId: '20260102t030405678z-00ff',
  subject: 'os101',
  lab: 'shell',
  createdBy: 't-lan',
  expiresAt: '2026-01-02T06:04:05.678Z',
}

test('a program that cannot be run is told by its name, also where it is seen in one of its short lives', async (t) => {
  const ends = 'Ask the operator to correct the lab.'
  const cases: [status: string, path: string, args: string[], words: string][] = [
    [
      'Restarting (127) 1 second ago',
      'nope',
      [],
      `The program 'nope' of lab 'shell' is not in the image (exit code 127). ${ends}`,
    ],
    [
      'Exited (127) 1 second ago',
      'nope',
      ['-x'],
      `The program 'nope' of lab 'shell' is not in the image (exit code 127). ${ends}`,
    ],
    [
      'Exited (126) 1 second ago',
      '/etc/passwd',
      [],
      `The program '/etc/passwd' of lab 'shell' is in the image, but cannot be run by its user (exit code 126). ${ends}`,
    ],
    [
      'Restarting (127) 1 second ago',
      'sh',
      ['-c', 'nope'],
      `The program 'sh' of lab 'shell', or one that it calls, is not in the image (exit code 127). ${ends}`,
    ],
    [
      'Restarting (3) 1 second ago',
      'sh',
      ['-c', 'exit 3'],
      `Its command ended with exit code 3 and is started again and again. ${ends}`,
    ],
  ]
  for (const [Status, Path, Args, words] of cases) {
    let listed = 0
    let lives = 0
    const { context } = await contextWith(t, (socket, { target }) => {
      const State = Status.startsWith('Exited') ? 'exited' : 'restarting'
      if (/containers\/[^/]+\/json/.test(target)) {
        // Another life at each look, until it is seen between two of them.
        const container = inspected('one')
        const StartedAt = `2026-01-02T03:04:0${Math.min(lives++, 9)}Z`
        const Running = State === 'restarting'
        socket.write(
          answerOf(
            200,
            JSON.stringify({ ...container, Path, Args, State: { ...container.State, Running, StartedAt } }),
          ),
        )
      } else if (listed++ < 3) socket.write(answerOf(200, JSON.stringify([summary('one')])))
      else socket.write(answerOf(200, JSON.stringify([{ ...summary('one'), State, Status }])))
    })
    const reasons = await waitReady(context, up, ['one'], new AbortController().signal)
    assert.equal(reasons.get('one'), words)
    await context.engine.close()
  }
})

test('who has lived long enough since the start is inspected once, unless it was ever started again', async (t) => {
  const looks = new Map<string, number>()
  const answers: Record<string, { StartedAt: string; RestartCount: number }> = {
    early: { StartedAt: '2026-01-02T03:04:04Z', RestartCount: 0 },
    again: { StartedAt: '2026-01-02T03:04:04Z', RestartCount: 1 },
    late: { StartedAt: '2026-01-02T03:04:05Z', RestartCount: 0 },
  }
  const { context } = await contextWith(t, (socket, { target }) => {
    const id = /containers\/([^/]+)\/json/.exec(target)?.[1]
    if (id === undefined) {
      socket.write(answerOf(200, JSON.stringify(Object.keys(answers).map(summary))))
      return
    }
    looks.set(id, (looks.get(id) ?? 0) + 1)
    const container = inspected(id)
    const { StartedAt, RestartCount } = answers[id] ?? assert.fail(id)
    socket.write(
      answerOf(200, JSON.stringify({ ...container, RestartCount, State: { ...container.State, StartedAt } })),
    )
  })
  // The engine's clock is known from whoever started last.
  const ids = ['late', 'early', 'again']
  assert.deepEqual(await waitReady(context, up, ids, new AbortController().signal), new Map())
  assert.equal(looks.get('early'), 1)
  assert.ok((looks.get('late') ?? 0) > 1)
  assert.ok((looks.get('again') ?? 0) > 1)
})
