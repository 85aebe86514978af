// What operators and load balancers ask.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
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
  const { get, ofClass, log } = await openService(t)
  const later = clock(t)
  const ready = await get('/readyz')
  assert.equal(ready.statusCode, 200)
  assert.deepEqual(ready.json(), { status: 'ok', engine: 'ok', store: 'ok', catalogue: 'ok' })

  ofClass.runtime.before = () => {
    throw engineGone()
  }
  later()
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
      throw new StoreError('full', 'no space left at /srv/bags')
    },
  }
  later()
  const withoutStore = await get('/readyz')
  assert.equal(withoutStore.statusCode, 503)
  assert.equal(withoutStore.json().engine, 'ok')
  assert.match(withoutStore.json().store, /^The store has no space left\./)
  assert.doesNotMatch(withoutStore.body, /srv/, 'everybody may ask')
  const [line] = log.filter(({ part, msg }) => part === 'store' && msg === 'not ready')
  assert.match(JSON.stringify(line), /no space left at \/srv\/bags/)
})

test('a check that fails as nobody foresaw tells no internals', async (t) => {
  const { get, ofClass } = await openService(t)
  ofClass.runtime.before = () => {
    throw new TypeError('secret at /srv/secret')
  }
  const response = await get('/readyz')
  assert.equal(response.statusCode, 503)
  assert.equal(response.json().engine, 'It failed unexpectedly. The log has the cause.')
})

test('a broken edit of the catalogue is told without a name of it, and does not make the service unready', async (t) => {
  const { get, editCatalogue } = await openService(t)
  for (const edit of [
    '{"labs": topsecret',
    '{"labs":{"hidden-lab":{}},"subjects":{},"classes":{}}',
    '{"labs":{},"subjects":{"hidden-subject":{"labs":["hidden-lab"]}},"classes":{}}',
  ]) {
    await editCatalogue(edit)
    await get('/room/labs')
    const response = await get('/readyz')
    assert.equal(response.statusCode, 200)
    assert.equal(response.json().catalogue, 'The newest edit is not in force. The log has the reason.')
  }
})

test('however many ask, engine and store are checked one at a time, and once a second', async (t) => {
  const { get, ofClass } = await openService(t)
  const later = clock(t)
  const checks = t.mock.method(ofClass.store, 'check')
  const ask = () => Promise.all(Array.from({ length: 20 }, () => get('/readyz')))
  const answers = [...(await ask()), ...(await ask())]
  assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]))
  assert.equal(checks.mock.callCount(), 1)
  later()
  await ask()
  assert.equal(checks.mock.callCount(), 2)
})

/** Time stands still but for the calls of what is returned, which are a second each. */
function clock(t: TestContext): () => void {
  let now = 1e6
  t.mock.method(performance, 'now', () => now)
  return () => {
    now += 1_000
  }
}
