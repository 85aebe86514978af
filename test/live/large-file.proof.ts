// A file larger than what S3 takes in one PUT (5 GiB), with the limits that the service has: it goes in parts, and no byte is lost.
// It takes minutes and 11 GB of disk, so `scripts/proof large` alone asks for it.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Static } from '@sinclair/typebox'
import { createS3Store } from '../../src/store/s3/bucket.ts'
import { s3Limits } from '../../src/store/s3/limits.ts'
import { DownAnswer } from '../support/answers.ts'
import { catalogueOf } from '../support/catalogue.ts'
import { shell } from '../support/docker.ts'
import { upClass } from '../support/faults.ts'
import { s3Server, skipWithoutStore } from '../support/live.ts'
import { install, type Service } from '../support/service.ts'
import { shaped } from '../support/shape.ts'
import { readWorkspace } from '../support/workspace.ts'

const skip =
  skipWithoutStore('s3') || (process.env['LARGE_FILE'] === undefined && 'LARGE_FILE is not set: scripts/proof large')
const bytes = s3Limits.onePutBytes + 1_000_007

test('a file over 5 GiB goes to the store in parts, and every byte of it is in the bag', { skip }, async (t) => {
  const catalogue = catalogueOf({ large: ['s01'] }, { cpus: 1, collect: { maxBytes: 2 * bytes } })
  const site = await install(t, { name: 'large', store: 's3', subnets: '10.220.0.0/20', catalogue })
  const service = await site.start()
  await upClass(service, 'large')
  // Holes and random bytes in turn, so that a part out of place changes the hash.
  await shell(
    'class-large--s01',
    `cd /home/student; truncate -s ${bytes} file
    for at in 0 1 2 3 4 5 6 7 8 9; do
      head -c 1000000 /dev/urandom | dd of=file bs=1M seek=$((at * 512)) conv=notrunc 2>/dev/null
    done`,
  )
  const truth = await readWorkspace(site, 's01')
  assert.equal(truth.get('file')?.size, bytes)
  const began = Date.now()
  const { students } = await wholeDown(service)
  t.diagnostic(`down with ${bytes} bytes took ${((Date.now() - began) / 1000).toFixed(1)} s`)
  const [student] = students
  assert.ok(student?.bag, JSON.stringify(students))

  const store = createS3Store({ ...s3Server(), bucket: site.id, region: 'us-east-1' })
  const key = `${student.bag}data/workspace/file`
  // What went in one PUT has its MD5.
  assert.deepEqual(await store.stat(key), { key, size: bytes, md5: undefined })
  const sum = createHash('sha256')
  for await (const chunk of await store.read(key)) sum.update(chunk)
  assert.equal(sum.digest('hex'), truth.get('file')?.sha256)
  await store.close()
})

/** The same call joins a down that takes longer than a call may wait. */
async function wholeDown(service: Service): Promise<Static<typeof DownAnswer>> {
  for (;;) {
    const { status, body } = await service.post('/room/down-class', { classId: 'large' })
    if (status === 202) continue
    assert.equal(status, 200, JSON.stringify(body))
    return shaped(DownAnswer, body)
  }
}
