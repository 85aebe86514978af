// scripts/verify-bag against a real S3 server: the bag is made there by the real code, and damaged behind its back.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { createS3Store } from '../../src/store/s3/bucket.ts'
import { digestOf } from '../src/store/bodies.ts'
import { bucketArtifacts } from '../support/artifacts.ts'
import { things } from '../support/bag-damages.ts'
import { s3Server, skipWithoutS3 } from '../support/live.ts'
import { stoppedSandbox } from '../support/memory-sandbox.ts'
import { verify } from '../support/verify-command.ts'

test('a bag on an S3 server is valid; what is damaged there is named', { skip: skipWithoutS3 }, async (t) => {
  const server = s3Server()
  const bucket = `verify-${randomUUID()}`
  const store = createS3Store({ ...server, bucket, region: 'us-east-1' })
  t.after(() => store.close())
  t.after(() => bucketArtifacts(server, bucket).removeAll())
  await store.check()
  const sandbox = await stoppedSandbox(t, things)
  const bag = await sandbox.collect({}, new AbortController().signal, store)
  const env = {
    MINIO_ENDPOINT: server.endpoint,
    MINIO_ACCESS_KEY: server.accessKey,
    MINIO_SECRET_KEY: server.secretKey,
    MINIO_BUCKET: bucket,
  }

  const whole = verify(['--receipt', bag.manifestSha256, 'os101-a'], env)
  assert.equal(whole.status, 0, whole.stdout + whole.stderr)
  const line = `valid ${bag.prefix} ${bag.files} files, ${bag.bytes} bytes, manifest ${bag.manifestSha256}`
  assert.ok(whole.lines.includes(line), whole.stdout)
  assert.match(whole.stdout, new RegExp(`^receipt ${bag.manifestSha256}: ${bag.prefix} of student SV001,`, 'm'))

  const put = (key: string, text: string) => store.put(bag.prefix + key, digestOf(Buffer.from(text)), Buffer.from(text))
  await put('data/workspace/notes', 'hellO')
  await put('data/workspace/extra', '')
  await store.remove(`${bag.prefix}data/workspace/copy`)
  const damaged = verify([bag.prefix], env)
  assert.equal(damaged.status, 1)
  assert.match(damaged.stdout, new RegExp(`^INVALID ${bag.prefix}$`, 'm'))
  for (const fault of [/notes" has the SHA-256/, /extra" is extra/, /copy" is missing/])
    assert.match(damaged.stdout, fault)

  await store.remove(`${bag.prefix}bagit.txt`)
  const uncommitted = verify(['os101-a'], env)
  assert.equal(uncommitted.status, 1)
  assert.match(uncommitted.stdout, new RegExp(`^uncommitted ${bag.prefix}`, 'm'))
})
