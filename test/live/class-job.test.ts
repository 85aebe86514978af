// The job on any engine, Podman's too: a small class up, work of every kind, down, and every byte of it in valid bags.
// It runs on each engine of scripts/test, so it asks nothing that only one of them answers.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { bagFaults } from '../support/bagit.ts'
import { catalogueOf, image } from '../support/catalogue.ts'
import { assertBagHolds } from '../support/compare-bag.ts'
import { docker, leftovers, networksOf, shell } from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine } from '../support/live.ts'
import { install } from '../support/service.ts'
import { readWorkspace } from '../support/workspace.ts'

const lab = {
  command: ['sh', '-c', 'echo welcome; exec sleep infinity'],
  collect: { exclude: ['**/*.tmp'], maxBytes: 20_000_000 },
}

const work: Readonly<Record<string, string>> = {
  names: `
    echo one >'Bài tập số 1.txt'; echo two >"$(printf 'bad\\377')"; echo three >"$(printf 'line\\nbreak')"
    mkdir -p "thư mục/$(printf '%0200d' 7)"; echo four >"thư mục/$(printf '%0200d' 7)/file"`,
  kinds: `
    echo one >one; ln one two; ln -s nowhere dangling; ln -s one linked; mkfifo pipe; mkdir -p empty/inner; : >nothing
    echo out >out.tmp; echo secret >secret; mkdir closed; echo inside >closed/file`,
  large: `head -c 10000000 /dev/urandom >random; mkdir many; for i in $(seq 300); do echo $i >many/$i; done`,
}
/** Whole seconds, since Podman's archive rounds them and Docker's cuts them. */
const finish = `find . -exec touch -h -d '2026-01-02 03:04:05' {} +; for each in secret closed; do [ ! -e $each ] || chmod 000 $each; done`
const students = Object.keys(work)
const containerOf = (student: string): string => `class-job--${student}`

test('a class up, at work and down on this engine', { skip: skipWithoutEngine, timeout: 120_000 }, async (t) => {
  const proxy = `proxy-${process.pid}`
  const site = await install(t, {
    name: 'job',
    store: 'directory',
    subnets: '10.209.0.0/20',
    catalogue: catalogueOf({ job: students }, lab),
    env: { TRAEFIK_CONTAINER: proxy },
  })
  await docker(['run', '-d', '--name', proxy, '--label', site.testLabel, image, 'sleep', 'infinity'])
  const service = await site.start()

  const up = await upClass(service, 'job')
  assert.deepEqual(
    up.students.map(({ studentId, state }) => `${studentId} ${state}`),
    students.map((student) => `${student} running`),
  )
  assert.deepEqual(await upClass(service, 'job'), up, 'the same call again changes nothing')

  for (const [student, script] of Object.entries(work)) {
    await shell(containerOf(student), `cd /home/student\n${script}\n${finish}`)
  }
  await docker(['stop', '-t', '0', containerOf('names')])
  await upClass(service, 'job')
  const truths = new Map(
    await Promise.all(students.map(async (student) => [student, await readWorkspace(site, student)] as const)),
  )

  await t.test('a stranger in the network keeps the network, and nobody loses work by it', async () => {
    const [network = ''] = await networksOf(site.label)
    const stranger = `stranger-${process.pid}`
    await docker([
      'run',
      '-d',
      '--name',
      stranger,
      '--network',
      network,
      '--label',
      site.testLabel,
      image,
      'sleep',
      '999',
    ])
    const down = await downClass(service, 'job')
    assert.equal(down.state, 'down')
    assert.deepEqual(await leftovers(site.label), [`network ${network}`])
    assert.equal(down.leaked.length, 1)
    assert.equal((await docker(['exec', stranger, 'echo', 'alive'])).toString(), 'alive\n')
    await docker(['rm', '--force', stranger])

    for (const student of down.students) {
      const folder = await site.artifacts.local(student.bag ?? '', join(site.folder, student.studentId))
      assert.deepEqual(await bagFaults(folder), [])
      await assertBagHolds(folder, truths.get(student.studentId) ?? new Map(), student, (path) => path.endsWith('.tmp'))
    }
    assert.deepEqual(down.students.map(({ studentId }) => studentId).sort(), [...students].sort())
  })
})
