// Which ups are let through: quotas of subjects, memory and subnets of the host, and what counts as in use.

import assert from 'node:assert/strict'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Reservations } from '../../../../src/classes/up/reservations.ts'
import { openSubject, problemIn, subjectCatalogue } from '../../../support/memory-subject.ts'

test('an up over any limit of its subject is refused with the numbers, before anything is written or made', async (t) => {
  const cases: [object, RegExp][] = [
    [{ classes: 1 }, /classes: 1 allowed, 1 in use, 1 needed/],
    [{ students: 5 }, /students: 5 allowed, 3 in use, 3 needed/],
    [{ cpus: 0.5 }, /CPUs: 0\.5 allowed, 0\.3 in use, 0\.3 needed/],
    [{ memoryMb: 599 }, /MiB of memory: 599 allowed, 300 in use, 300 needed/],
    [{ students: 5, memoryMb: 599, classes: 9 }, /students: 5 .*MiB of memory: 599/],
  ]
  for (const [limits, detail] of cases) {
    const { upOf, runtime, folder } = await openSubject(t, limits)
    await upOf('a')
    runtime.events.length = 0
    const problem = await problemIn(upOf('b'))
    assert.equal(problem.code, 'quota-exceeded')
    assert.equal(problem.status, 409)
    assert.match(problem.message, /subject 'subject'/)
    assert.match(problem.message, detail)
    assert.deepEqual(problem.extensions, {
      subject: 'subject',
      limits,
      used: { classes: 1, students: 3, cpus: 0.3, memoryMb: 300 },
      needed: { classes: 1, students: 3, cpus: 0.3, memoryMb: 300 },
    })
    assert.deepEqual(runtime.events, [])
    assert.deepEqual((await readdir(folder)).includes('b'), false)
  }
})

test('an up that meets its limits exactly is let through; so is one of another subject', async (t) => {
  const { upOf, downOf } = await openSubject(t, { classes: 2, students: 6, cpus: 0.6, memoryMb: 600 })
  await upOf('a')
  await upOf('b')
  await upOf('x')
  assert.equal((await problemIn(upOf('c'))).code, 'quota-exceeded')
  await downOf('a')
  await upOf('c')
})

test('late joiners count only what is new; a repeat needs nothing, also under a quota made smaller meanwhile', async (t) => {
  const subject = await openSubject(t, { classes: 1, students: 2 })
  await subject.upOf('a', { students: ['a1'] })
  await subject.upOf('a', { students: ['a1', 'a2'] })
  const { extensions } = await problemIn(subject.upOf('a'))
  assert.deepEqual(extensions['needed'], { classes: 0, students: 1, cpus: 0.1, memoryMb: 100 })

  subject.catalogue = subjectCatalogue({ classes: 0, students: 0 })
  subject.runtime.exit(subject.runtime.container('a1'), 1)
  await subject.upOf('a', { students: ['a1', 'a2'] })
  assert.equal(subject.runtime.container('a1').state, 'running')
})

test('a sandbox that stands still counts, and so does what its session froze, whatever the catalogue says later', async (t) => {
  const subject = await openSubject(t)
  await subject.upOf('a')
  for (const studentId of ['a1', 'a2', 'a3']) subject.runtime.exit(subject.runtime.container(studentId), 0)
  subject.catalogue = subjectCatalogue({ memoryMb: 309 }, { memoryMb: 10 })
  const { extensions } = await problemIn(subject.upOf('b', { students: ['b1'] }))
  assert.deepEqual(extensions['used'], { classes: 1, students: 3, cpus: 0.3, memoryMb: 300 })
  subject.catalogue = subjectCatalogue({ memoryMb: 310 }, { memoryMb: 10 })
  await subject.upOf('b', { students: ['b1'] })
})

test('of two ups at once, for which there is room for one, one is refused', async (t) => {
  const { upOf, downOf, runtime, context } = await openSubject(t, { students: 5 })
  const release = runtime.hold('create-network')
  const both = [upOf('a'), upOf('b')]
  // The one that is let through stands still before its first engine call, so the other sees nothing of it there.
  const refused = await problemIn(Promise.race(both))
  assert.equal(refused.code, 'quota-exceeded')
  assert.deepEqual(refused.extensions['used'], { classes: 1, students: 3, cpus: 0.3, memoryMb: 300 })
  assert.deepEqual(runtime.held(), [])
  assert.equal(context.reservations.current().length, 1)
  release()
  const [up, ...others] = (await Promise.allSettled(both)).flatMap((end) =>
    end.status === 'fulfilled' ? end.value : [],
  )
  assert.deepEqual([up?.state, others], ['up', []])
  assert.deepEqual(context.reservations.current(), [])

  assert.equal((await problemIn(upOf('c'))).code, 'quota-exceeded')
  await downOf(up?.classId ?? '')
  await upOf('c')
})

test('an up that fails gives back what was reserved for it', async (t) => {
  const { upOf, runtime, context } = await openSubject(t, { students: 3 })
  runtime.startsAs.set('a2', 'unhealthy')
  assert.equal((await problemIn(upOf('a'))).code, 'up-failed')
  assert.deepEqual(context.reservations.current(), [])
  await upOf('b')
})

test('those whom an interrupted up still has to bring up count, also after a restart', async (t) => {
  const { upOf, runtime, context } = await openSubject(t, { students: 5 })
  const release = runtime.hold('create-volume a2')
  const crashed = upOf('a')
  while (!runtime.events.includes('start a1')) await new Promise(setImmediate)
  const restarted = { ...context, reservations: new Reservations() }
  const { extensions } = await problemIn(upOf('b', {}, restarted))
  assert.deepEqual(extensions['used'], { classes: 1, students: 3, cpus: 0.3, memoryMb: 300 })
  release()
  await crashed
})

test('a session whose record is lost counts by the lab of its name; no other class has to wait for it', async (t) => {
  for (const damage of [(path: string) => rm(path), (path: string) => writeFile(path, '{}')]) {
    const { upOf, folder } = await openSubject(t, { memoryMb: 599 })
    const { sessionId } = await upOf('a')
    await damage(join(folder, 'a', sessionId, 'session.json'))
    const { code, extensions } = await problemIn(upOf('b'))
    assert.equal(code, 'quota-exceeded')
    assert.deepEqual(extensions['used'], { classes: 1, students: 3, cpus: 0.3, memoryMb: 300 })
    await upOf('b', { students: ['b1', 'b2'] })
  }
})

test('an up that the memory of the host cannot hold beside all other classes is refused with the numbers', async (t) => {
  const { upOf, runtime } = await openSubject(t)
  runtime.host = { memoryMb: 599, hasFreeSubnet: true }
  await upOf('x')
  runtime.events.length = 0
  const { code, status, message, extensions } = await problemIn(upOf('a'))
  assert.deepEqual([code, status], ['host-full', 409])
  assert.match(message, /599 MiB.*300.*300/)
  assert.deepEqual(extensions, {
    host: { memoryMb: 599, usedMb: 300 },
    needed: { classes: 1, students: 3, cpus: 0.3, memoryMb: 300 },
  })
  assert.deepEqual(runtime.events, [])
  runtime.host = { memoryMb: 600, hasFreeSubnet: true }
  await upOf('a')
  runtime.host = { memoryMb: 1, hasFreeSubnet: true }
  await upOf('a')
})

test('an up that needs a network where no subnet is free is refused; one that has its network is not', async (t) => {
  const { upOf, runtime, folder } = await openSubject(t)
  await upOf('a', { students: ['a1'] })
  runtime.host = { ...runtime.host, hasFreeSubnet: false }
  runtime.events.length = 0
  assert.equal((await problemIn(upOf('b'))).code, 'subnets-exhausted')
  assert.deepEqual(runtime.events, [])
  assert.equal((await readdir(folder)).includes('b'), false)
  await upOf('a')
})

test('a network that an ended session of the class left makes way for the next one', async (t) => {
  const { upOf, downOf, runtime } = await openSubject(t)
  await upOf('a')
  runtime.before = (event) => {
    if (event.startsWith('close-network')) throw new Error('a foreign endpoint')
  }
  assert.equal((await downOf('a')).leaked.length, 1)
  runtime.before = () => {}
  runtime.host = { ...runtime.host, hasFreeSubnet: false }
  await upOf('a')
})

test('a late joiner for whom the image of the session is gone is refused; a repeat needs no image', async (t) => {
  const { upOf, runtime } = await openSubject(t)
  await upOf('a', { students: ['a1'] })
  runtime.images.clear()
  await upOf('a', { students: ['a1'] })
  assert.equal((await problemIn(upOf('a'))).code, 'lab-image-missing')
})
