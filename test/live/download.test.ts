// A file of a bag, fetched over the redirect to a real S3 server by clients that show a token to the service, as docs/portal.md tells them to.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createS3Store } from '../../src/store/s3/bucket.ts'
import { digestOf } from '../src/store/bodies.ts'

const { LIVE_S3, LIVE_S3_ACCESS_KEY = '', LIVE_S3_SECRET_KEY = '' } = process.env
const skip = LIVE_S3 === undefined ? 'LIVE_S3 is not set: no S3 server to run against (scripts/s3 starts one)' : false
const run = promisify(execFile)

const python = `import sys, urllib.request
request = urllib.request.Request(sys.argv[1])
request.add_unredirected_header("Authorization", "Bearer token")
sys.stdout.write(urllib.request.urlopen(request).read().decode())`

test('curl and Python follow the redirect to a file without their token', { skip }, async (t) => {
  const store = createS3Store({
    endpoint: LIVE_S3 ?? '',
    accessKey: LIVE_S3_ACCESS_KEY,
    secretKey: LIVE_S3_SECRET_KEY,
    bucket: 'class-runtime-test',
    region: 'us-east-1',
  })
  t.after(() => store.close())
  await store.check()
  const key = `${randomUUID()}/a`
  const bytes = Buffer.from('the work of a student')
  await store.put(key, digestOf(bytes), bytes)
  const location = await store.temporaryUrl(key, 'a')
  const tokens: (string | undefined)[] = []
  const service = createServer((request, answer) => {
    tokens.push(request.headers.authorization)
    answer.writeHead(302, { location }).end()
  })
  t.after(() => service.close())
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const address = service.address()
  assert.ok(address !== null && typeof address === 'object')
  const url = `http://127.0.0.1:${address.port}/`
  const clients = [
    ['curl', '-sSfL', '-H', 'Authorization: Bearer token', url],
    ['python3', '-c', python, url],
  ] as const
  for (const [program, ...args] of clients) assert.equal((await run(program, args)).stdout, String(bytes), program)
  assert.deepEqual(tokens, ['Bearer token', 'Bearer token'])
  await store.remove(key)
})
