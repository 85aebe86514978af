// What scripts/test and scripts/proof start is ended with them, however they are ended.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'

test('a second signal, as timeout sends it, does not end the cleaning of the first', async () => {
  const phases = resolve(import.meta.dirname, '../../scripts/phases.bash')
  const lines = `source '${phases}'; stop_servers() { sleep 0.5; echo stopped; }; begin work; run sleep 60`
  const script = spawn('bash', ['-c', lines], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  script.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  await once(script.stdout, 'data')
  const ended = once(script, 'close')
  script.kill('SIGTERM')
  // While it waits for its child, or later, while it stops its servers.
  await setTimeout(250)
  script.kill('SIGTERM')
  const [code] = await ended
  assert.deepEqual([code, said], [143, '== work\nstopped\n'])
})
