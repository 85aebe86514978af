// The parts of the metrics that no request shows: durations, and what the sweep sees on the engine.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../../src/metrics.ts'
import type { OperationView } from '../../src/operations/operations.ts'
import { openClass } from '../support/memory-class.ts'
import { readMetrics } from '../support/metrics-text.ts'

const nothing = { total: 0, done: 0 }

const lasting = (seconds: number): OperationView => ({
  operationId: 'operation-1',
  kind: 'extend-class',
  classId: 'os101-a',
  state: 'succeeded',
  startedAt: new Date(0).toISOString(),
  endedAt: new Date(seconds * 1000).toISOString(),
  progress: { students: nothing, files: nothing, bytes: nothing, phases: [] },
  result: {},
  problem: null,
})

test('durations fall into buckets that each hold all shorter ones', () => {
  const metrics = new Metrics()
  for (const seconds of [0.1, 0.2, 3, 7200]) metrics.operationEnded(lasting(seconds))
  const samples = readMetrics(metrics.text(0))
  const name = 'class_runtime_operation_duration_seconds'
  const bucket = (le: string) => samples.get(`${name}_bucket{action="extend-class",le="${le}"}`)
  assert.deepEqual(['0.1', '0.5', '2.5', '5', '1800', '+Inf'].map(bucket), [1, 2, 2, 3, 3, 4])
  assert.equal(samples.get(`${name}_count{action="extend-class"}`), 4)
  assert.equal(Math.round(samples.get(`${name}_sum{action="extend-class"}`) ?? 0), 7203)
})

test('sandboxes are counted by state as the engine last held them', async (t) => {
  const metrics = new Metrics()
  const ofClass = await openClass(t)
  const seen = async () => {
    metrics.surveyed(await ofClass.runtime.survey())
    const samples = readMetrics(metrics.text(0))
    assert.ok((samples.get('class_runtime_survey_timestamp_seconds') ?? 0) > 1e9)
    const sandboxes = [...samples].filter(([name]) => name.startsWith('class_runtime_sandboxes'))
    return { sessions: samples.get('class_runtime_sessions'), ...Object.fromEntries(sandboxes) }
  }
  await ofClass.up()
  ofClass.runtime.exit(ofClass.runtime.container('SV001'), 1)
  assert.deepEqual(await seen(), {
    sessions: 1,
    'class_runtime_sandboxes{state="running"}': 2,
    'class_runtime_sandboxes{state="exited"}': 1,
  })
  await ofClass.down()
  assert.deepEqual(await seen(), { sessions: 0, 'class_runtime_sandboxes{state="running"}': 0 })
})

test('nodes are counted by what is known of them', () => {
  const metrics = new Metrics()
  const silent = 'It does not answer.'
  for (const nodes of [
    [{ state: 'ready', fault: silent }],
    [
      { state: 'ready', fault: undefined },
      { state: 'down', fault: silent },
    ],
  ]) {
    metrics.nodesSeen(nodes)
  }
  const seen = [...readMetrics(metrics.text(0))].filter(([name]) => name.startsWith('class_runtime_nodes'))
  assert.deepEqual(Object.fromEntries(seen), {
    'class_runtime_nodes{state="ready",reachable="true"}': 1,
    'class_runtime_nodes{state="down",reachable="false"}': 1,
  })
})
