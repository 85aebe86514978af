// A sandbox is stopped and removed also where the engine cannot write, or an answer is lost. The answers are hand-made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEngineError } from '../../../../engine-api/index.ts'
import type { DockerContext } from '../../../../src/runtime/docker/context.ts'
import { closeNetwork } from '../../../../src/runtime/docker/network.ts'
import { removeContainer, removeVolume } from '../../../../src/runtime/docker/remove.ts'
import { sealSandbox } from '../../../../src/runtime/docker/seal.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { container, json, lost, ours, serve } from './hand-made.ts'

test('an engine that cannot write the restart policy does not keep a sandbox from being stopped', async (t) => {
  const full = json(500, { message: 'write /var/lib/docker/containers/c/.tmp: no space left on device' })
  const stopped = json(200, { ...container(ours), State: { ...container(ours).State, Status: 'exited' } })
  const { context, calls } = await serve(t, {
    'POST /containers/c/update': full,
    'POST /containers/c/stop': answerOf(204),
    'GET /containers/c/json': stopped,
  })
  assert.equal((await sealSandbox(context, 'c', 1)).exitCode, container(ours).State.ExitCode)
  assert.ok(calls().includes('POST /containers/c/stop'))
})

test('an engine that breaks off while it writes the policy is not taken for one that refuses', async (t) => {
  const refused = json(500, { message: 'no space left on device' })
  const { context } = await serve(t, {
    'POST /containers/c/update': [refused, lost],
    'POST /containers/c/stop': answerOf(204),
  })
  await assert.rejects(sealSandbox(context, 'c', 1), isEngineError)
})

const exited = { ...container(ours), State: { ...container(ours).State, Status: 'exited' } }

/** The calls by which a down changes the engine, and how the engine answers each where it was done already. */
const changes: [call: string, run: (context: DockerContext) => Promise<unknown>, again: Buffer][] = [
  ['DELETE /containers/c', (context) => removeContainer(context, 'c'), json(404, { message: 'No such container' })],
  ['DELETE /volumes/v', (context) => removeVolume(context, 'v'), json(404, { message: 'no such volume' })],
  ['DELETE /networks/n', (context) => closeNetwork(context, 'n'), json(404, { message: 'network n not found' })],
  ['POST /containers/c/update', (context) => sealSandbox(context, 'c', 1), json(200, {})],
  ['POST /containers/c/stop', (context) => sealSandbox(context, 'c', 1), answerOf(304)],
]

for (const [call, run, again] of changes) {
  test(`${call}: where its answer is lost it is asked for once more, and what was done counts as done`, async (t) => {
    const others = {
      'GET /containers/c/json': json(200, exited),
      'POST /containers/c/update': json(200, {}),
      'POST /containers/c/stop': answerOf(204),
    }
    const { context, calls } = await serve(t, { ...others, [call]: [lost, again] })
    await run(context)
    assert.equal(calls().filter((each) => each === call).length, 2)

    const gone = await serve(t, { ...others, [call]: lost })
    await assert.rejects(run(gone.context), (error) => isEngineError(error, 'unreachable'))
    assert.equal(gone.calls().filter((each) => each === call).length, 2, 'an engine that is gone is not asked for ever')
  })
}
