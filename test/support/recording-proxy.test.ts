// The whole way of a recording, without an engine: a replay behind the proxy is recorded again, and must come out as it was.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEngine } from '../../engine-api/index.ts'
import { scenarios } from '../fixtures/scenarios.ts'
import { readRecording, recordedEngines } from './recording.ts'
import { openRecordingProxy } from './recording-proxy.ts'
import { startReplay } from './replay-engine.ts'
import { comparable, normalise } from './stand-ins.ts'

for (const engineName of recordedEngines()) {
  for (const name of [
    'container-find',
    'archive-get-odd-names',
    'archive-put',
    'container-wait',
    'exec-with-input',
    'exec-terminal',
    'image-pull-refused',
  ]) {
    test(`${name} of ${engineName}, recorded from its replay, is the same recording`, async (t) => {
      const recording = readRecording(engineName, name)
      const replay = await startReplay(recording)
      t.after(() => replay.close())
      const proxy = await openRecordingProxy(replay.host.replace('unix://', ''))
      t.after(() => proxy.close())
      const engine = createEngine({ host: proxy.host })
      await Promise.resolve(scenarios[name]?.run(engine)).finally(() => engine.close())

      const again = normalise(await proxy.exchanges(), '/var/lib/docker')
      assert.deepEqual(again.map(comparable), recording.exchanges.map(comparable))
      const reads = (exchanges: typeof again) => exchanges.map(({ response }) => response.reads)
      assert.deepEqual(reads(again), reads([...recording.exchanges]))
    })
  }
}
