// States of containers, read from the texts of the engine's list.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerSummary } from '../../../engine-api/index.ts'
import { readState } from '../../../src/runtime/docker-survey.ts'

const summary = (State: string, Status: string): ContainerSummary => ({
  Id: 'id',
  Names: ['/class-a--b'],
  Image: 'image',
  ImageID: 'sha256:0',
  Created: 0,
  Labels: {},
  Mounts: [],
  NetworkSettings: null,
  State,
  Status,
})

test('health is read from the text of the list', () => {
  assert.equal(readState(summary('running', 'Up 3 seconds')), 'running')
  assert.equal(readState(summary('running', 'Up 3 seconds (healthy)')), 'running')
  assert.equal(readState(summary('running', 'Up 3 seconds (health: starting)')), 'starting')
  assert.equal(readState(summary('running', 'Up 3 seconds (unhealthy)')), 'unhealthy')
  assert.equal(readState(summary('exited', 'Exited (1) 2 seconds ago (unhealthy)')), 'exited')
})

test('states of Docker and Podman are known, and an unknown one counts as not running', () => {
  for (const state of ['created', 'paused', 'restarting', 'exited', 'removing', 'dead']) {
    assert.equal(readState(summary(state, '')), state)
  }
  assert.equal(readState(summary('configured', '')), 'created')
  assert.equal(readState(summary('stopped', '')), 'exited')
  assert.equal(readState(summary('something-new', '')), 'exited')
})
