// What operators and load balancers ask.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../src/store/port.ts'
import { engineGone } from '../../support/memory-runtime.ts'
import { openService } from '../../support/memory-service.ts'

test('healthz answers whatever else is away', async (t) => {
  const { get, ofClass } = await openService(t)
  ofClass.runtime.before = () => {
    throw engineGone()
  }
  const response = await get('/healthz')
  assert.equal(response.statusCode, 200)
  assert.deepEqual(response.json(), { status: 'ok' })
})

test('readyz is 200 only while engine and store can be used, and names the one that cannot', async (t) => {
  const { get, ofClass } = await openService(t)
  const ready = await get('/readyz')
  assert.equal(ready.statusCode, 200)
  assert.deepEqual(ready.json(), { status: 'ok', engine: 'ok', store: 'ok', catalogue: 'ok' })

  ofClass.runtime.before = () => {
    throw engineGone()
  }
  const withoutEngine = await get('/readyz')
  assert.equal(withoutEngine.statusCode, 503)
  assert.deepEqual(withoutEngine.json(), {
    status: 'not-ready',
    engine: 'The Docker Engine does not answer.',
    store: 'ok',
    catalogue: 'ok',
  })

  ofClass.runtime.before = () => {}
  ofClass.storeHooks = {
    before() {
      throw new StoreError('full', 'no space left')
    },
  }
  const withoutStore = await get('/readyz')
  assert.equal(withoutStore.statusCode, 503)
  assert.equal(withoutStore.json().engine, 'ok')
  assert.notEqual(withoutStore.json().store, 'ok')
})

test('a broken edit of the catalogue is named, and does not make the service unready', async (t) => {
  const { get, editCatalogue } = await openService(t)
  await editCatalogue('{')
  await get('/room/labs')
  const response = await get('/readyz')
  assert.equal(response.statusCode, 200)
  assert.match(response.json().catalogue, /not JSON/)
})
