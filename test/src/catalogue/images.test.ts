// Which images are pulled at the start.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCatalogue } from '../../../src/catalogue/catalogue.ts'
import { fetchMissingImages } from '../../../src/catalogue/images.ts'
import { RuntimeError } from '../../../src/runtime/errors.ts'
import { quiet } from '../../support/memory-class.ts'
import { MemoryRuntime } from '../../support/memory-runtime.ts'

const lab = (image: string) => ({ image, cpus: 1, memoryMb: 64 })
const catalogue = parseCatalogue(
  JSON.stringify({
    labs: { here: lab('busybox:1.36'), first: lab('python:3'), again: lab('python:3'), second: lab('node:20') },
    subjects: {},
    classes: {},
  }),
)

test('each missing image is pulled once, one that is there never', async () => {
  const runtime = new MemoryRuntime()
  assert.equal(await fetchMissingImages(runtime, catalogue, quiet), true)
  assert.deepEqual(runtime.events, ['pull python:3', 'pull node:20'])
})

test('a pull that fails is told, and stops neither the others nor the service', async () => {
  const runtime = new MemoryRuntime()
  runtime.before = (event) => {
    if (event === 'pull python:3') throw new RuntimeError('failed', 'no such repository')
  }
  assert.equal(await fetchMissingImages(runtime, catalogue, quiet), false)
  assert.deepEqual(runtime.events, ['pull node:20'])
})
