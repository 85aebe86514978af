// The list of labs.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { engineGone } from '../../../support/memory-runtime.ts'
import { openService, problemOf } from '../../../support/memory-service.ts'

test('labs are listed with their limits and whether the engine has the image', async (t) => {
  const { get, ofClass } = await openService(t)
  const [lab] = (await get('/room/labs')).json().labs
  assert.deepEqual(lab, {
    name: 'linux-shell',
    image: {
      reference: 'busybox:1.36',
      present: true,
      id: 'sha256:image',
      digest: 'busybox@sha256:digest',
      size: 1000,
    },
    cpus: 0.5,
    memoryMb: 128,
    pids: 256,
    internet: false,
    writableRoot: false,
    capabilities: [],
    runtime: null,
    resolvesNames: true,
    ttlMinutes: 180,
    maxLifeMinutes: 720,
  })
  ofClass.runtime.images.clear()
  const [missing] = (await get('/room/labs')).json().labs
  assert.deepEqual(missing.image, { reference: 'busybox:1.36', present: false, id: null, digest: null, size: null })
})

test('what a lab loosens is shown, and its runtime', async (t) => {
  const loose = { internet: true, writableRoot: true, capabilities: ['NET_RAW', 'SETUID'], runtime: 'runsc' }
  const { get } = await openService(t, loose)
  const [{ internet, writableRoot, capabilities, runtime }] = (await get('/room/labs')).json().labs
  assert.deepEqual({ internet, writableRoot, capabilities, runtime }, loose)
})

test('an engine that is away is 503', async (t) => {
  const { get, ofClass } = await openService(t)
  ofClass.runtime.before = () => {
    throw engineGone()
  }
  const response = await get('/room/labs')
  assert.equal(response.statusCode, 503)
  assert.equal(problemOf(response).code, 'engine-unavailable')
})
