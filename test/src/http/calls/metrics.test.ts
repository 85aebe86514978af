// What a Prometheus server is told, of a whole life of a class.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import { file } from '../../../support/memory-archive.ts'
import { classId, students } from '../../../support/memory-class.ts'
import { engineGone } from '../../../support/memory-runtime.ts'
import { type MemoryService, openService } from '../../../support/memory-service.ts'
import { readMetrics } from '../../../support/metrics-text.ts'

const scrape = async ({ get }: MemoryService) => readMetrics((await get('/metrics')).body)

test('the answer is Prometheus text, and asks neither engine nor store', async (t) => {
  const { get, ofClass } = await openService(t)
  ofClass.runtime.before = () => assert.fail('the engine is asked')
  ofClass.storeHooks = { before: () => assert.fail('the store is asked') }
  const response = await get('/metrics')
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  const samples = readMetrics(response.body)
  assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 1e6)
  assert.ok((samples.get('process_start_time_seconds') ?? 0) > 1e9)
  assert.ok((samples.get('nodejs_eventloop_lag_max_seconds') ?? -1) >= 0)
  assert.equal(samples.get('class_runtime_operations_running'), 0)
})

test('operations are counted by what became of them, and students by what became of theirs', async (t) => {
  const service = await openService(t)
  const { post, ofClass } = service
  await post('/room/up-class', { classId })
  ofClass.runtime.write('SV001', file('a.txt', 'twelve bytes'), file('b', ''))
  let broken = true
  ofClass.runtime.before = (event) => {
    if (broken && event === 'archive SV003') throw new RuntimeError('archive', 'The archive was cut short.')
  }
  await post('/room/down-class', { classId })
  broken = false
  await post('/room/down-class', { classId })
  // It is down: the earlier answer again, and nothing is done.
  await post('/room/down-class', { classId })

  const samples = await scrape(service)
  const operations = 'class_runtime_operations_total'
  assert.equal(samples.get(`${operations}{action="up-class",outcome="succeeded"}`), 1)
  assert.equal(samples.get(`${operations}{action="down-class",outcome="collect-failed"}`), 1)
  assert.equal(samples.get(`${operations}{action="down-class",outcome="succeeded"}`), 2)
  const ofStudents = [...samples].filter(([name]) => name.startsWith('class_runtime_students_total'))
  assert.deepEqual(Object.fromEntries(ofStudents), {
    'class_runtime_students_total{action="up-class",state="running"}': 3,
    'class_runtime_students_total{action="down-class",state="collected"}': 2,
    'class_runtime_students_total{action="down-class",state="kept"}': 1,
    'class_runtime_students_total{action="down-class",state="removed"}': 3,
  })
  assert.equal(samples.get('class_runtime_operation_duration_seconds_count{action="down-class"}'), 3)
  assert.equal(samples.get('class_runtime_operation_duration_seconds_bucket{action="down-class",le="+Inf"}'), 3)
})

test('files and bytes are those that collections stored', async (t) => {
  const service = await openService(t)
  const { post, ofClass } = service
  await post('/room/up-class', { classId })
  ofClass.runtime.write('SV001', file('a.txt', 'twelve bytes'), file('b', ''))
  ofClass.runtime.write('SV002', file('c', 'three'))
  await post('/room/down-class', { classId })
  const samples = await scrape(service)
  assert.equal(samples.get('class_runtime_collected_files_total'), 3)
  assert.equal(samples.get('class_runtime_collected_bytes_total'), 17)
})

test('a running operation is a gauge', async (t) => {
  const service = await openService(t)
  const release = service.ofClass.runtime.hold('start')
  const { headers } = await service.post('/room/up-class', { classId }, { prefer: 'wait=0' })
  assert.equal((await scrape(service)).get('class_runtime_operations_running'), 1)
  release()
  await service.get(`${headers.location}/events`)
  assert.equal((await scrape(service)).get('class_runtime_operations_running'), 0)
})

test('reachability is what /readyz was last told', async (t) => {
  const service = await openService(t)
  const reachable = async () => {
    const samples = await scrape(service)
    return ['engine', 'store'].map((part) => samples.get(`class_runtime_reachable{part="${part}"}`))
  }
  assert.deepEqual(await reachable(), [undefined, undefined])
  await service.get('/readyz')
  assert.deepEqual(await reachable(), [1, 1])
  service.ofClass.runtime.before = () => {
    throw engineGone()
  }
  // What was found is kept for a second.
  const now = performance.now() + 1_000
  t.mock.method(performance, 'now', () => now)
  await service.get('/readyz')
  assert.deepEqual(await reachable(), [0, 1])
})

test('requests are counted by route and status, and no label grows with what callers send', async (t) => {
  const service = await openService(t)
  const { get, post } = service
  await post('/room/up-class', { classId })
  for (const path of [classId, 'other', 'another', `${classId}/sessions`]) await get(`/room/classes/${path}`)
  for (const path of ['/x', '/y', '/room/up-class', '/room/classes/%zz', '/x?a="b"\n']) await get(path)
  await get('/room/operations/gone')
  await post('/room/up-class', { classId: 'not--one' })
  const { body } = await get('/metrics')
  const samples = readMetrics(body)
  const requests = (labels: string) => samples.get(`class_runtime_http_requests_total{${labels}}`)
  assert.equal(requests('method="GET",route="/room/classes/:classId",status="200"'), 1)
  assert.equal(requests('method="GET",route="/room/classes/:classId",status="404"'), 2)
  assert.equal(requests('method="GET",route="/room/classes/:classId/sessions",status="200"'), 1)
  assert.equal(requests('method="POST",route="/room/up-class",status="400"'), 1)
  assert.equal(requests('method="GET",route="none",status="404"'), 3)
  assert.equal(requests('method="GET",route="none",status="405"'), 1)
  for (const id of [classId, 'other', 'gone', 'not--one', ...students]) {
    assert.ok(!body.toLowerCase().includes(id.toLowerCase()), id)
  }
})
