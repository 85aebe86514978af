// A file far larger than the memory that the service may have: collected whole, with no more memory than a small one takes.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { catalogueOf } from '../support/catalogue.ts'
import { assertBagHolds } from '../support/compare-bag.ts'
import { shell } from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { limitMemory, peakMemory } from '../support/memory.ts'
import { install } from '../support/service.ts'
import { readWorkspace } from '../support/workspace.ts'

const mebibyte = 1024 ** 2
const limit = 256 * mebibyte
const largeBytes = 2_500_000_000
const smallBytes = 5_000_000

test('a file of 2.5 GB is collected in no more memory than one of 5 MB', { skip: skipWithoutEngine }, async (t) => {
  const small = await peakOfCollecting(t, smallBytes)
  const large = await peakOfCollecting(t, largeBytes)
  const inMebibytes = (bytes: number): string => `${(bytes / mebibyte).toFixed(0)} MiB`
  t.diagnostic(`peak of the service: ${inMebibytes(small)} for 5 MB, ${inMebibytes(large)} for 2.5 GB`)
  assert.ok(large < limit, `${large} bytes`)
  assert.ok(large - small < 32 * mebibyte, `${large - small} bytes more`)
})

/** The most memory that a service of its own needed for a class of one student with one file of so many bytes. */
async function peakOfCollecting(t: TestContext, bytes: number): Promise<number> {
  const catalogue = catalogueOf({ memory: ['s01'] }, { cpus: 1, collect: { maxBytes: 2 * largeBytes } })
  const site = await install(t, { name: 'memory', store: 'directory', subnets: '10.214.0.0/16', catalogue })
  // V8's young generation grows with time, not with need: held small, so that what is measured is the service's own.
  const service = await site.start({ nodeFlags: ['--max-old-space-size=64', '--max-semi-space-size=4'] })
  const noLimit = await limitMemory(t, service.pid, limit)
  if (noLimit !== undefined) t.diagnostic(`no hard limit: ${noLimit}`)

  await upClass(service, 'memory')
  // Holes and random bytes in turn, so that a chunk out of place changes the hash.
  const script = `cd /home/student; truncate -s ${bytes} file
    for at in 0 1 2 3; do head -c 1000000 /dev/urandom | dd of=file bs=1M seek=$((${bytes} / 1048576 * at / 4)) conv=notrunc 2>/dev/null; done`
  await shell('class-memory--s01', script)
  const truth = await readWorkspace(site, 's01')
  assert.equal(truth.get('file')?.size, bytes)
  const began = Date.now()
  const down = await downClass(service, 'memory')
  t.diagnostic(`down with ${bytes} bytes took ${((Date.now() - began) / 1000).toFixed(1)} s`)
  const peak = await peakMemory(service.pid)
  const [student] = down.students
  assert.ok(student?.bag)
  await assertBagHolds(await site.artifacts.local(student.bag, join(site.folder, 'bag')), truth, student)
  return peak
}
