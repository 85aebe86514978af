// Waiting for sandboxes while the engine answers some of the calls late or never. Its answers are hand-made; that sandboxes which
// run, end or are unhealthy are told apart is tried on a live engine (test/live/failure-up.test.ts).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { waitReady } from '../../../src/runtime/docker-ready.ts'
import { answerOf } from '../../engine-api/raw-server.ts'
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
