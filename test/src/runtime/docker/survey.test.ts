// What is read from the engine's lists: states of containers, and which containers are sandboxes. The lists are hand-made.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerSummary } from '../../../../engine-api/index.ts'
import { containerName, label, volumeName } from '../../../../src/names.ts'
import { readState, surveyDocker } from '../../../../src/runtime/docker/survey.ts'
import { answerOf } from '../../../engine-api/raw-server.ts'
import { contextWith, inspectedContainer, installation } from './hand-made.ts'

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

const [classId, studentId, sessionId] = ['OS101-a', 'SV001', '20260102t030405678z-00ff']
const Labels = {
  [label.installation]: installation,
  [label.class]: classId,
  [label.session]: sessionId,
  [label.subject]: 'os101',
  [label.lab]: 'linux-shell',
  [label.createdBy]: 't-lan',
  [label.expiresAt]: '2026-01-02T06:04:05.678Z',
  [label.student]: studentId,
}

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

test('a container or a volume of another name is not ours, whatever labels it was given', async (t) => {
  const nameless = 'being-removed'
  const own = containerName(classId, studentId)
  const rescue = volumeName(classId, studentId, sessionId)
  const volumes = [rescue, 'copy'].map((Name) => ({ Name, Driver: 'local', Labels }))
  const foundAmong = async (...names: string[]) => {
    const containers = names.map((name) => ({
      ...summary('running', 'Up'),
      Id: name,
      Names: name === nameless ? null : [`/${name}`],
      Labels,
    }))
    const { context } = await contextWith(t, (socket, { target }) => {
      const list = target.includes('/volumes') ? { Volumes: volumes } : target.includes('/networks') ? [] : containers
      socket.write(answerOf(200, JSON.stringify(list)))
    })
    const sessions = await surveyDocker(context, undefined)
    return sessions.map(({ sandboxes }) => sandboxes.map(({ name, filesOnly, files }) => [name, filesOnly, files]))
  }
  assert.deepEqual(await foundAmong(nameless), [[[nameless, false, rescue]]])
  assert.deepEqual(await foundAmong('before', own, 'after'), [[[own, false, rescue]]])
  assert.deepEqual(await foundAmong(rescue, containerName(classId, 'SV002')), [[[rescue, true, rescue]]])
  for (const both of [
    [own, rescue],
    [rescue, own],
  ]) {
    assert.deepEqual(await foundAmong(...both), [[[own, false, rescue]]], 'its own container comes first')
  }
  assert.deepEqual(await foundAmong('copy'), [[[undefined, true, rescue]]])
})

test('who is not in the class network, or in one of its name that is gone, is known from the lists', async (t) => {
  const network = { Id: 'new', Name: 'class-os101-a', Driver: 'bridge', Internal: true, Labels, IPAM: { Config: [] } }
  const surveyOf = async (networks: object[], NetworkSettings: object | null) => {
    const container = {
      ...summary('exited', ''),
      Names: [`/${containerName(classId, studentId)}`],
      Labels,
      NetworkSettings,
    }
    const { context } = await contextWith(t, (socket, { target }) => {
      const list = target.includes('/volumes') ? { Volumes: [] } : target.includes('/networks') ? networks : [container]
      socket.write(answerOf(200, JSON.stringify(list)))
    })
    return (await surveyDocker(context, undefined))[0]
  }
  const isDetached = async (networks: object[], NetworkSettings: object | null) =>
    (await surveyOf(networks, NetworkSettings))?.sandboxes[0]?.isDetached
  const at = (NetworkID: string) => ({ Networks: { 'class-os101-a': { NetworkID } } })
  assert.equal(await isDetached([network], at('new')), false)
  assert.equal(await isDetached([network], at('')), false, 'it never ran')
  assert.equal(await isDetached([network], at('class-os101-a')), false, 'as Podman says it')
  assert.equal(await isDetached([network], null), false, 'the engine says nothing')
  assert.equal(await isDetached([network], at('old')), true)
  assert.equal(await isDetached([network], { Networks: {} }), true)
  assert.equal(await isDetached([], at('old')), true)
  assert.equal(await isDetached([], at('')), true)

  const rawPackets = async (told: object) =>
    (await surveyOf([{ ...network, Labels: { ...Labels, ...told } }], null))?.network?.rawPackets
  assert.equal(await rawPackets({ [label.rawPackets]: 'false' }), false)
  assert.equal(await rawPackets({ [label.rawPackets]: 'true' }), true)
  assert.equal(await rawPackets({}), true, 'made before it was told: nothing is called blocked that may not be')
})

test('an unhealthy sandbox is ill only where a probe has failed: it may have been thawed a moment ago', async (t) => {
  let streak = 0
  let inspections = 0
  const container = {
    ...summary('running', 'Up 3 seconds (unhealthy)'),
    Names: [`/${containerName(classId, studentId)}`],
    Labels,
  }
  const { context } = await contextWith(t, (socket, { target }) => {
    if (target.endsWith('/containers/id/json')) {
      inspections++
      const inspected = inspectedContainer('id', 'id')
      const Health = { Status: 'unhealthy', FailingStreak: streak }
      socket.write(
        answerOf(200, JSON.stringify({ ...inspected, State: { ...inspected.State, Running: true, Health } })),
      )
      return
    }
    const list = target.includes('/volumes') ? { Volumes: [] } : target.includes('/networks') ? [] : [container]
    socket.write(answerOf(200, JSON.stringify(list)))
  })
  const state = async () => (await surveyDocker(context, undefined))[0]?.sandboxes[0]?.state
  assert.equal(await state(), 'running')
  streak = 3
  assert.equal(await state(), 'unhealthy')
  assert.equal(await state(), 'unhealthy')
  assert.equal(inspections, 2, 'who is ill is not asked about again')
})
