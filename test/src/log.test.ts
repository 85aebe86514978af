// What log lines show and hide. In a process of its own, since the log goes to standard output.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import type { CallReport } from '../../engine-api/index.ts'
import { logEngineCalls } from '../../src/log.ts'

test('a secret that is logged by mistake is not printed; a cause is', async () => {
  const script = `
    import { createLog } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/log.ts'))}
    const log = createLog('info')
    const headers = { authorization: 'Bearer top-secret', cookie: 'top-secret' }
    const cause = new Error('the real reason')
    const req = { method: 'GET', url: '/room/classes?access_token=top-secret', headers }
    const auth = { key: { kind: 'secret', secret: 'top-secret' } }
    log.info({ req, headers, call: { headers }, auth, ...auth, store: { secretKey: 'top-secret', accessKey: 'top-secret' } }, 'a line')
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
  assert.match(printed, /"url":"\/room\/classes\?\[secret\]"/)
})

test('an engine call is logged at debug without what it sent, at trace with the curl line and without its secrets', () => {
  const body = { json: { Image: 'a', Env: ['TOKEN=top-secret'] } }
  const facts = { endpoint: 'container-create', method: 'POST', path: '/v1.41/containers/create', durationMs: 1 }
  const call: CallReport = { ...facts, sent: { headers: { 'X-Registry-Auth': 'top-secret' }, body } }
  const linesAt = (level: string): unknown[] => {
    const lines: unknown[] = []
    const write = (line: string) => void lines.push(JSON.parse(line))
    logEngineCalls(pino({ level, base: null, timestamp: false }, { write }), { host: 'unix:///e.sock' })(call)
    return lines
  }
  assert.deepEqual(linesAt('info'), [])
  assert.deepEqual(linesAt('debug'), [{ level: 20, ...facts, msg: 'engine call' }])
  const curl =
    "curl --unix-socket '/e.sock' --request POST --header 'X-Registry-Auth: [secret]' " +
    `--data-raw '{"Image":"a","Env":["TOKEN=[secret]"]}' 'http://docker/v1.41/containers/create'`
  assert.deepEqual(linesAt('trace'), [{ level: 10, ...facts, curl, msg: 'engine call' }])
})
