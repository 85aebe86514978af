// The pace of events: by a clock that the test turns, over an operation that changes as often as it likes.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { EventStream } from '../../../src/http/event-stream.ts'
import { type Operation, Operations } from '../../../src/operations/operations.ts'
import type { Progress } from '../../../src/operations/progress.ts'

interface Running {
  readonly operation: Operation
  readonly progress: Progress
  /** Ends it, and resolves when all its streams have been told. */
  end(): Promise<void>
}

function run(t: TestContext): Running {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let begun: Progress | undefined
  let release = (_: object) => {}
  const operation = new Operations().start({
    kind: 'down-class',
    classId: 'os101-a',
    fingerprint: '',
    requestId: 'request',
    log: pino({ level: 'silent' }),
    work: ({ progress }) => {
      begun = progress
      return new Promise((resolve) => {
        release = resolve
      })
    },
  })
  const end = async () => {
    release({})
    await operation.ended
    // The timers of a stream are of this test's clock, and must not be cleared on the next one's.
    await settle()
  }
  return { operation, progress: begun ?? assert.fail('it has not begun'), end }
}

/** What a reader who takes everything at once has got: `progress 3` by the files that are done, `end 3`, or `:`. */
function follow(operation: Operation) {
  const stream = new EventStream(operation, Number.POSITIVE_INFINITY)
  const got: string[] = []
  stream.on('data', (text: string) => {
    const [, event, data = '{}'] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text) ?? []
    got.push(event === undefined ? text.slice(0, 1) : `${event} ${JSON.parse(data).progress.files.done}`)
  })
  return { stream, got }
}

/** For streams to pass on what they hold. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('three thousand changes are four events a second, each the newest, and the end comes at once', async (t) => {
  const { operation, progress, end } = run(t)
  const { got } = follow(operation)
  await settle()
  for (let second = 0; second < 3; second++) {
    for (let quarter = 0; quarter < 4; quarter++) {
      for (let file = 0; file < 250; file++) progress.filesStored('SV001', 1, 1)
      t.mock.timers.tick(250)
      await settle()
    }
  }
  progress.filesStored('SV001', 1, 1)
  await end()
  const quarters = Array.from({ length: 13 }, (_, at) => `progress ${at * 250}`)
  assert.deepEqual(got, [...quarters, 'end 3001'])
})

test('the first change after a pause is told at once, the next ones together', async (t) => {
  const { operation, progress, end } = run(t)
  const { got } = follow(operation)
  await settle()
  t.mock.timers.tick(1_000)
  progress.filesStored('SV001', 1, 1)
  await settle()
  assert.deepEqual(got, ['progress 0', 'progress 1'])
  progress.filesStored('SV001', 1, 1)
  progress.filesStored('SV001', 1, 1)
  t.mock.timers.tick(249)
  await settle()
  assert.equal(got.length, 2)
  t.mock.timers.tick(1)
  await settle()
  assert.deepEqual(got, ['progress 0', 'progress 1', 'progress 3'])
  await end()
})

test('a quiet minute has a comment every 15 seconds, counted from the last that was sent', async (t) => {
  const { operation, progress, end } = run(t)
  const { got } = follow(operation)
  await settle()
  t.mock.timers.tick(14_000)
  progress.filesStored('SV001', 1, 1)
  await settle()
  t.mock.timers.tick(14_999)
  await settle()
  assert.deepEqual(got, ['progress 0', 'progress 1'])
  for (let count = 0; count < 4; count++) {
    t.mock.timers.tick(count === 0 ? 1 : 15_000)
    await settle()
  }
  assert.deepEqual(got, ['progress 0', 'progress 1', ':', ':', ':', ':'])
  await end()
})

test('who reads slowly gets the newest, and nothing is kept for them', async (t) => {
  const { operation, progress, end } = run(t)
  const stream = new EventStream(operation, Number.POSITIVE_INFINITY)
  stream.pause()
  stream.read(0)
  await settle()
  for (let minute = 0; minute < 100; minute++) {
    progress.filesStored('SV001', 1, 1)
    t.mock.timers.tick(60_000)
    await settle()
  }
  const length = Number(stream.readableLength)
  assert.ok(length < 2 * JSON.stringify(operation.view()).length, `${length} are kept`)
  let text = ''
  stream.on('data', (piece: string) => {
    text += piece
  })
  stream.resume()
  await settle()
  await settle()
  assert.match(text, /"files":\{"total":0,"done":100\}/)
  await end()
})

test('who stops reading is no longer told, while the others are', async (t) => {
  const { operation, progress, end } = run(t)
  const [one, other] = [follow(operation), follow(operation)]
  await settle()
  const views = t.mock.method(operation, 'view')
  one.stream.destroy()
  t.mock.timers.tick(250)
  progress.filesStored('SV001', 1, 1)
  await settle()
  t.mock.timers.tick(60_000)
  await settle()
  assert.equal(views.mock.callCount(), 1)
  assert.deepEqual(one.got, ['progress 0'])
  assert.deepEqual(other.got, ['progress 0', 'progress 1', ':'])
  await end()
})

test('a reader who goes away leaves no listener behind', async (t) => {
  const { operation, end } = run(t)
  const listen = operation.onChange.bind(operation)
  let listeners = 0
  t.mock.method(operation, 'onChange', (listener: () => void) => {
    const stop = listen(listener)
    listeners++
    return () => {
      listeners--
      stop()
    }
  })
  const { stream } = follow(operation)
  await settle()
  assert.equal(listeners, 1)
  stream.destroy()
  await settle()
  assert.equal(listeners, 0)
  await end()
})
