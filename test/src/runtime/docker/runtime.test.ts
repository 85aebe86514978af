// What the runtime port makes of an image. The engine's answers are hand-made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDockerRuntime } from '../../../../src/runtime/docker/runtime.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { contextWith } from './hand-made.ts'

test('the volumes that an image declares are told, however the engine says that there are none', async (t) => {
  const cases: [config: object, volumes: string[]][] = [
    [{}, []],
    [{ Config: null }, []],
    [{ Config: {} }, []],
    [{ Config: { Volumes: null } }, []],
    [{ Config: { Volumes: { '/data': {}, '/home': {} } } }, ['/data', '/home']],
  ]
  for (const [config, volumes] of cases) {
    const { context, server } = await contextWith(t, (socket) => {
      socket.write(answerOf(200, JSON.stringify({ Id: 'sha256:image', Size: 1, ...config })))
    })
    const runtime = createDockerRuntime({ host: server.host }, context)
    t.after(() => runtime.close())
    assert.deepEqual((await runtime.image('image:1'))?.volumes, volumes)
  }
})
