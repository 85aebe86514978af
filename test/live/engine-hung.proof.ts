// A real engine that hangs (SIGSTOP), dies in the middle of its answers (SIGKILL) and comes back: every call ends in bounded time,
// says whether it may be sent again, and the same client goes on afterwards.
// For calls that may send nothing for long, such as events and waits, the caller's signal is the bound.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  createEngine,
  type Engine,
  type EngineErrorCode,
  type EventsItem,
  isEngineError,
  type Retry,
} from '../../engine-api/index.ts'
import { cleanUpOfSuite } from '../support/faults.ts'
import {
  labImage,
  type PrivateEngine,
  skipWithoutPrivateEngine,
  startPrivateEngine,
} from '../support/private-engine.ts'

/** More than the engine needs on a busy machine, and little for a test to wait. */
const short = { headersMs: 3_000, idleMs: 3_000 }
const timeouts = { quick: short, slow: short, unbounded: { headersMs: 0, idleMs: 0 } }
const limits = { timeoutMs: 3_000, maxOutputBytes: 1_000 }
/** Of the file that is being read when the engine fails: more than sockets hold. */
const largeBytes = 64 * 1024 * 1024

describe('an engine that hangs, dies and comes back', { skip: skipWithoutPrivateEngine, timeout: 300_000 }, () => {
  const cleanUp = cleanUpOfSuite(after)
  let its: PrivateEngine
  let engine: Engine
  let id = ''

  before(async () => {
    its = await startPrivateEngine(cleanUp)
    engine = createEngine({ host: its.host, timeouts })
    const body = {
      Image: labImage,
      Cmd: ['sh', '-c', `head -c ${largeBytes} /dev/zero >/large; exec sleep infinity`],
      HostConfig: { NetworkMode: 'none', Init: true },
    }
    id = (await engine.containers.create({ name: 'hung', body })).Id
    await engine.containers.start(id)
    await inSandbox(`until [ "$(stat -c %s /large)" = ${largeBytes} ]; do sleep 0.1; done`)
  })

  after(() => engine?.close())

  async function inSandbox(script: string): Promise<void> {
    const run = { command: ['sh', '-c', script], timeoutMs: 60_000, maxOutputBytes: 1_000 }
    assert.equal((await engine.exec.run(id, run)).exitCode, 0)
  }

  async function fails(what: string, pending: Promise<unknown>, code: EngineErrorCode, retry: Retry): Promise<void> {
    const error = await pending.then(
      () => assert.fail(`${what} succeeded`),
      (reason: unknown) => reason,
    )
    assert.ok(isEngineError(error), `${what}: ${error}`)
    assert.deepEqual([error.code, error.retry], [code, retry], `${what}: ${error.message}`)
  }

  /** Reads the large file; `atFirstBytes` happens in the middle of its answer. */
  async function readLarge(atFirstBytes: () => Promise<void> = async () => undefined): Promise<number> {
    let length = 0
    for await (const { body } of engine.containers.archive(id, '/large')) {
      for await (const piece of body) {
        if (length === 0) await atFirstBytes()
        length += piece.length
      }
    }
    return length
  }

  /** A loop over events that is past its first gap. */
  async function watched(signal?: AbortSignal): Promise<AsyncGenerator<EventsItem>> {
    const events = engine.system.events({ signal })
    assert.equal((await events.next()).value?.kind, 'gap')
    return events
  }

  test('while it hangs every call ends, in the middle of an answer too; afterwards nothing is locked', async (t) => {
    t.after(() => its.goOn())
    const controller = new AbortController()
    const { signal } = controller
    const events = await watched(signal)
    const wait = await engine.containers.wait(id, { signal })
    const session = await engine.exec.open(id, { command: ['cat'], signal })

    await fails(
      'archive, in the middle',
      readLarge(() => its.hang()),
      'timeout',
      'same',
    )
    await Promise.all([
      fails('ping', engine.system.ping(), 'timeout', 'same'),
      fails('inspect', engine.containers.inspect(id), 'timeout', 'same'),
      fails('start', engine.containers.start(id), 'timeout', 'same'),
      fails(
        'create',
        engine.containers.create({ name: 'second', body: { Image: labImage } }),
        'timeout',
        'after-inspect',
      ),
      fails('archive, before its head', readLarge(), 'timeout', 'same'),
      fails('logs', engine.containers.logs(id).next(), 'timeout', 'same'),
      fails('exec', engine.exec.run(id, { command: ['true'], ...limits }), 'timeout', 'after-inspect'),
    ])
    const awaited = [
      fails('events', collect(events), 'aborted', 'same'),
      fails('wait', wait.exitCode(), 'aborted', 'same'),
      fails('output of an exec', collect(session.output), 'aborted', 'after-inspect'),
    ]
    controller.abort()
    await Promise.all(awaited)

    await its.goOn()
    assert.equal((await engine.containers.inspect(id)).State.Running, true)
    assert.equal(await readLarge(), largeBytes)
  })

  test('when it dies in the middle of its answers each is an error, and nothing is taken for whole', async () => {
    const events = await watched()
    const session = await engine.exec.open(id, { command: ['cat'] })
    const run = { command: ['sh', '-c', 'touch /begun; exec sleep 60'], timeoutMs: 60_000, maxOutputBytes: 1_000 }
    const running = fails('exec', engine.exec.run(id, run), 'unreachable', 'after-inspect')
    await inSandbox('until [ -e /begun ]; do sleep 0.1; done')
    const wait = await engine.containers.wait(id)
    const waiting = fails('wait', wait.exitCode(), 'unreachable', 'same')
    // The end of its output proves nothing: only its exit code, which is asked for afterwards.
    const output = collect(session.output)
    await fails(
      'archive',
      readLarge(() => its.kill()),
      'unreachable',
      'same',
    )
    await Promise.all([running, waiting, output])
    await fails('exit code of an exec', session.exitCode(), 'unreachable', 'same')
    await fails('inspect', engine.containers.inspect(id), 'unreachable', 'same')
    await fails('start', engine.containers.start(id), 'unreachable', 'same')
    // Its events go on by themselves, with a mark, as soon as there is an engine again.
    const gap = nextGap(events)
    await its.start()
    assert.equal((await gap)?.cause?.code, 'unreachable')
  })

  test('when it is back the same client works, and what was on disk is there', async () => {
    const { State } = await engine.containers.inspect(id)
    assert.equal(State.Running, false)
    assert.equal(await readLarge(), largeBytes)
    assert.equal(await engine.containers.start(id), 'started')
    const { stdout } = await engine.exec.run(id, { command: ['echo', 'alive'], ...limits, timeoutMs: 60_000 })
    assert.equal(stdout.toString(), 'alive\n')
  })
})

/** Leaves the loop there. */
async function nextGap(events: AsyncIterable<EventsItem>): Promise<Extract<EventsItem, { kind: 'gap' }> | undefined> {
  for await (const item of events) if (item.kind === 'gap') return item
  return undefined
}

async function collect(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}
