// The launchers of the S3 servers that scripts/parts builds, each where its part is had.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { pathOf, send } from '../stores/request.ts'
import { until } from '../support/until.ts'

const root = resolve(import.meta.dirname, '../..')

const run = (...words: readonly string[]) => {
  const [command = '', ...args] = words
  return spawnSync(join(root, 'scripts', command), args, { encoding: 'utf8', timeout: 120_000 })
}

for (const name of ['minio', 'weed', 'versitygw']) {
  const isHad = run('parts', '--list', name).stdout.startsWith(`${name} had `)
  const skip = isHad ? false : `${name} is not had: scripts/parts ${name} builds it`
  test(`scripts/${name} starts a server whose data outlives a kill, and no other launcher touches it`, {
    skip,
  }, async (t) => {
    const parent = mkdtempSync(join(tmpdir(), 's3-server-'))
    const folder = join(parent, 'server')
    t.after(() => {
      run(name, 'stop', folder)
      rmSync(parent, { recursive: true })
    })
    const started = run(name, 'start', folder)
    assert.equal(started.status, 0, started.stderr)
    const said = /^LIVE_S3=(http:\/\/127\.0\.0\.1:\d+)\nLIVE_S3_ACCESS_KEY=(\w+)\nLIVE_S3_SECRET_KEY=(\w+)\n$/
    const [, endpoint = '', accessKey = '', secretKey = ''] = said.exec(started.stdout) ?? assert.fail(started.stdout)
    const server = { endpoint, accessKey, secretKey }
    assert.equal((await send(server, 'PUT', pathOf('bucket'))).status, 200)
    assert.equal((await send(server, 'PUT', pathOf('bucket', 'a'), { body: Buffer.from('kept') })).status, 200)

    assert.match(run('s3', 'stop', folder).stderr, /holds no server of this script/)
    assert.equal(run(name, 'stop-gateway', folder).status, 0)
    await assert.rejects(send(server, 'GET', pathOf('bucket', 'a')), /ECONN(REFUSED|RESET)/)
    assert.equal(run(name, 'start-gateway', folder).status, 0)
    // SeaweedFS answers before it has found its data again.
    await until('the data', async () => (await send(server, 'GET', pathOf('bucket', 'a'))).text === 'kept')

    const again = run(name, 'start', folder)
    assert.deepEqual([again.status, again.stdout], [0, started.stdout])
    assert.equal(run(name, 'stop', folder).status, 0)
    await assert.rejects(send(server, 'GET', pathOf('bucket')), /ECONN(REFUSED|RESET)/)
  })
}
