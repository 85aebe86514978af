// What is taken for another engine, and what is not known.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngineId } from '../../../../src/runtime/docker/identity.ts'

const docker = { ID: 'CX6V', Name: 'host', DockerRootDir: '/var/lib/docker' }
const idOf = (facts: object) => createEngineId(async () => ({ ...docker, ...facts }))()

test('an engine keeps its id, which does not show its folder', async () => {
  const id = (await idOf({})) ?? assert.fail('no id')
  assert.equal(await idOf({}), id)
  assert.match(id, /^[0-9a-f]{32}$/)
})

test('hosts that were copied and two engines of one host are different engines, though Docker gives them one id', async () => {
  assert.notEqual(await idOf({ Name: 'copy' }), await idOf({}))
  assert.notEqual(await idOf({ DockerRootDir: '/srv/second' }), await idOf({}))
  assert.notEqual(await idOf({ ID: 'other' }), await idOf({}))
})

test('an engine that makes up another id for each answer, or tells none, has none', async () => {
  let asked = 0
  const podman = createEngineId(async () => ({ ...docker, ID: `${asked++}` }))
  assert.equal(await podman(), undefined)
  assert.equal(await podman(), undefined)
  assert.equal(await idOf({ ID: '' }), undefined)
})

test('an engine that becomes another one while the service runs is noticed', async () => {
  let name = 'first'
  const engineId = createEngineId(async () => ({ ...docker, Name: name }))
  const first = await engineId()
  name = 'second'
  assert.notEqual(await engineId(), first)
})
