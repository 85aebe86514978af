// Long operations: joined, refused, remembered, watched, stopped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Operation, type OperationRequest, Operations } from '../../../src/operations/operations.ts'
import { Problem } from '../../../src/problems.ts'
import { quiet } from '../../support/memory-class.ts'

const request = (change: Partial<OperationRequest> = {}): OperationRequest => ({
  kind: 'down-class',
  classId: 'os101-a',
  fingerprint: '[]',
  requestId: 'request-1',
  log: quiet,
  work: async () => ({ answer: 42 }),
  ...change,
})

/** Work that goes on until it is told how to end. */
function heldWork() {
  const { promise, resolve, reject } = settleable()
  return { work: () => promise, resolve, reject }
}

function settleable() {
  let resolve = (_: object) => {}
  let reject = (_: unknown) => {}
  const promise = new Promise<object>((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}

const isProblem = (code: string) => (error: unknown) => error instanceof Problem && error.code === code

test('an operation ends with its result, which its view tells', async () => {
  const operations = new Operations()
  const operation = operations.start(request())
  assert.equal(operation.running, true)
  assert.equal(operation.view().result, null)
  await operation.ended
  assert.deepEqual(operation.outcome(), { answer: 42 })
  const { operationId, kind, classId, state, result, problem, endedAt } = operation.view()
  assert.deepEqual(
    { operationId, kind, classId, state, result, problem },
    {
      operationId: operation.id,
      kind: 'down-class',
      classId: 'os101-a',
      state: 'succeeded',
      result: { answer: 42 },
      problem: null,
    },
  )
  assert.notEqual(endedAt, null)
})

test('a Problem is its outcome; any other error becomes internal and tells nothing', async () => {
  const operations = new Operations()
  const refused = operations.start(
    request({
      work: async () => {
        throw new Problem('up-failed', 'Three did not come up.', { extensions: { students: [] } })
      },
    }),
  )
  await refused.ended
  assert.throws(() => refused.outcome(), isProblem('up-failed'))
  assert.equal(refused.view().state, 'failed')
  assert.equal(refused.view().problem?.instance, 'request-1')
  assert.deepEqual(refused.view().problem?.['students'], [])

  const broken = operations.start(
    request({
      work: () => {
        throw new Error('secret at /srv/secret')
      },
    }),
  )
  await broken.ended
  assert.throws(() => broken.outcome(), isProblem('internal'))
  assert.doesNotMatch(JSON.stringify(broken.view()), /secret/)
})

test('an identical call joins the running operation, also in another case of the class id', async () => {
  const operations = new Operations()
  const { work, resolve } = heldWork()
  let runs = 0
  const counted = request({
    work: () => {
      runs++
      return work()
    },
  })
  const first = operations.start(counted)
  assert.equal(operations.start(counted), first)
  assert.equal(operations.start({ ...counted, classId: 'OS101-A' }), first)
  assert.equal(operations.runningFor('Os101-a'), first)
  resolve({})
  await first.ended
  assert.equal(runs, 1)
  assert.equal(operations.runningFor('os101-a'), undefined)
  const next = operations.start(counted)
  assert.notEqual(next, first)
  await next.ended
})

test('any other call of the class is refused and told what runs; other classes are free', async () => {
  const operations = new Operations()
  const { work, resolve } = heldWork()
  const first = operations.start(request({ work }))
  for (const other of [{ kind: 'up-class' as const }, { fingerprint: '[true]' }]) {
    assert.throws(
      () => operations.start(request(other)),
      (error) => {
        assert.ok(error instanceof Problem)
        assert.equal(error.status, 409)
        assert.equal(error.code, 'operation-in-progress')
        return error.extensions['operationId'] === first.id
      },
    )
  }
  await operations.start(request({ classId: 'os101-b' })).ended
  resolve({})
  await first.ended
})

test('an ended operation is found again; an unknown one is a problem', async () => {
  const operations = new Operations()
  const operation = operations.start(request())
  await operation.ended
  assert.equal(operations.get(operation.id), operation)
  assert.throws(() => operations.get('gone'), isProblem('unknown-operation'))
})

test('of each class the newest fifty ended operations are remembered, and a running one is never forgotten', async () => {
  const operations = new Operations()
  const { work, resolve } = heldWork()
  const running = operations.start(request({ classId: 'slow', work }))
  const other = operations.start(request({ classId: 'os101-b' }))
  await other.ended
  const ended: Operation[] = []
  for (let count = 0; count < 53; count++) {
    const operation = operations.start(request())
    ended.push(operation)
    await operation.ended
  }
  const [first, second, third, fourth] = ended
  for (const forgotten of [first, second, third]) {
    assert.throws(() => operations.get(forgotten?.id ?? ''), isProblem('unknown-operation'))
  }
  assert.equal(operations.get(fourth?.id ?? ''), fourth)
  assert.equal(operations.get(other.id), other)
  assert.equal(operations.get(running.id), running)
  resolve({})
  await running.ended
})

test('who listens is told of each change and of the end, until they stop', async () => {
  const operations = new Operations()
  const { work, resolve } = heldWork()
  const operation = operations.start(
    request({
      work: async ({ progress }) => {
        const result = await work()
        progress.expectStudents(['SV001', 'SV002', 'SV003'])
        await new Promise(setImmediate)
        progress.studentDone('SV001', 'done')
        await new Promise(setImmediate)
        return result
      },
    }),
  )
  const seen: string[] = []
  const see = () => {
    const { state, progress } = operation.view()
    seen.push(`${state} ${progress.students.done}/${progress.students.total}`)
  }
  const stop = operation.onChange(see)
  operation.onChange(() => seen.push('the other'))()
  resolve({})
  await operation.ended
  assert.deepEqual(seen, ['running 0/3', 'running 1/3', 'succeeded 1/3'])
  stop()
})

test('stop tells running work to end, waits until it has, and lets nothing new begin', async () => {
  const operations = new Operations()
  const { promise: released, resolve: release } = settleable()
  const order: string[] = []
  const operation = operations.start(
    request({
      work: async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        order.push('told')
        await released
        order.push('ended')
        return {}
      },
    }),
  )
  const stopped = operations.stop().then(() => order.push('stopped'))
  assert.throws(() => operations.start(request({ classId: 'os101-b' })), isProblem('shutting-down'))
  assert.throws(() => operations.start(request()), isProblem('shutting-down'))
  release({})
  await stopped
  assert.deepEqual(order, ['told', 'ended', 'stopped'])
  assert.equal(operation.running, false)
})
