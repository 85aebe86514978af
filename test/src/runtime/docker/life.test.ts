// How a sandbox has lived, from hand-made inspections; that a real one is told so is the conformance suite's (test/live/runtime.test.ts).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEngineError } from '../../../../engine-api/index.ts'
import { lifeOf } from '../../../../src/runtime/docker/life.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { contextWith, inspectedContainer } from './hand-made.ts'

const began = '2026-01-02T03:04:05Z'
const ended = '2026-01-02T03:05:06Z'

const lives: [what: string, state: object, restarts: number, life: Awaited<ReturnType<typeof lifeOf>>][] = [
  ['one that never ran', {}, 0, { startedAt: null, restarts: 0, lastDeath: null }],
  [
    'one that waits for its next start, of which the engine says that it runs',
    { Running: true, Restarting: true, ExitCode: 137, OOMKilled: true, StartedAt: began, FinishedAt: ended },
    3,
    { startedAt: began, restarts: 3, lastDeath: { at: ended, exitCode: 137, outOfMemory: true } },
  ],
  [
    'one that runs again',
    { Running: true, OOMKilled: true, StartedAt: began, FinishedAt: ended },
    4,
    { startedAt: began, restarts: 4, lastDeath: { at: ended, exitCode: null, outOfMemory: true } },
  ],
  [
    'one that runs again, of which a later engine says no more how it ended',
    { Running: true, StartedAt: began, FinishedAt: ended },
    1,
    { startedAt: began, restarts: 1, lastDeath: { at: ended, exitCode: null, outOfMemory: null } },
  ],
  [
    'one that ended well',
    { StartedAt: began, FinishedAt: ended },
    0,
    { startedAt: began, restarts: 0, lastDeath: { at: ended, exitCode: 0, outOfMemory: false } },
  ],
]

for (const [what, state, RestartCount, life] of lives) {
  test(`the life of ${what}`, async (t) => {
    const found = inspectedContainer('a', 'a')
    const answer = JSON.stringify({ ...found, RestartCount, State: { ...found.State, ...state } })
    const { context } = await contextWith(t, (socket) => socket.write(answerOf(200, answer)))
    assert.deepEqual(await lifeOf(context, 'a'), life)
  })
}

test('an inspection that waits for an archive is given up', { timeout: 10_000 }, async (t) => {
  const { context } = await contextWith(t, () => {})
  await assert.rejects(lifeOf(context, 'a'), (error) => isEngineError(error, 'aborted'))
})
