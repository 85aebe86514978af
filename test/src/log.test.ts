// What log lines show and hide. In a process of its own, since the log goes to standard output.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { test } from 'node:test'

test('a secret that is logged by mistake is not printed; a cause is', async () => {
  const script = `
    import { createLog } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/log.ts'))}
    const log = createLog('info')
    const headers = { authorization: 'Bearer top-secret', cookie: 'top-secret' }
    const cause = new Error('the real reason')
    log.info({ req: { headers }, store: { secretKey: 'top-secret', accessKey: 'top-secret' } }, 'a line')
    log.error({ err: new Error('what failed', { cause }) }, 'another line')
    log.debug('below the level')
  `
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], { stdio: 'pipe' })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk
  })
  const [exitCode] = await once(child, 'close')
  assert.equal(exitCode, 0)
  const lines = printed.trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['a line', 'another line'],
  )
  assert.doesNotMatch(printed, /top-secret/)
  assert.match(printed, /the real reason/)
})
