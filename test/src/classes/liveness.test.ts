// Sandboxes and stores that hang: the other classes, and all that tells how a class is, go on as if nothing were.
// Nothing here is timed: what hangs is released only when the others have been answered.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { catalogueText, classId, students, workOf } from '../../support/memory-class.ts'
import { type MemoryService, openService } from '../../support/memory-service.ts'

const other = 'os101-b'
const otherStudents = ['SV101', 'SV102', 'SV103', 'SV104']

/** Each has more students than the gates of a memory class let in at once. */
async function openTwoClasses(t: TestContext): Promise<MemoryService> {
  const service = await openService(t)
  const catalogue = JSON.parse(catalogueText())
  catalogue.classes[other] = { ...catalogue.classes[classId], students: otherStudents }
  await service.editCatalogue(JSON.stringify(catalogue))
  return service
}

/** Whatever `isHung` names waits until `release`; `reached` settles when so many wait. */
function hangs(service: MemoryService, isHung: (event: string) => boolean, wanted: number) {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let waiting = 0
  const reached = new Promise<void>((resolve) => {
    const hang = (event: string) => {
      if (!isHung(event)) return undefined
      waiting++
      if (waiting === wanted) resolve()
      return released
    }
    service.ofClass.runtime.before = hang
    service.ofClass.storeHooks = { before: (method, key) => hang(`${method} ${key}`) }
  })
  return { release, reached }
}

async function answered(service: MemoryService, path: string): Promise<Record<string, unknown>> {
  const answer = await service.get(path)
  assert.equal(answer.statusCode, 200, `${path}: ${answer.body}`)
  return answer.json()
}

async function done(service: MemoryService, path: string, ofClass: string): Promise<void> {
  const answer = await service.post(path, { classId: ofClass })
  assert.equal(answer.statusCode, 200, `${path} of ${ofClass}: ${answer.body}`)
}

/** Everything that must be answered while the first class hangs. */
async function assertOthersGoOn(service: MemoryService, location: string): Promise<void> {
  const stateOf = async () => {
    const { state } = await answered(service, `/room/classes/${other}`)
    return state
  }
  assert.equal(await stateOf(), 'down')
  await done(service, '/room/up-class', other)
  assert.equal(await stateOf(), 'up')
  await done(service, '/room/collect-class', other)
  await done(service, '/room/down-class', other)
  assert.equal(await stateOf(), 'down')
  await answered(service, '/room/classes')
  await answered(service, `/room/classes/${other}/sessions`)
  await answered(service, `/room/classes/${classId}`)
  await answered(service, '/readyz')
  assert.equal((await answered(service, location))['state'], 'running')
}

const cases: [what: string, action: string, isHung: (event: string) => boolean, waiting: number][] = [
  ['one student’s archive hangs', 'down', (event) => event === 'archive SV001', 1],
  ['as many archives hang as are read at once', 'down', (event) => /^archive SV00/.test(event), 2],
  ['a put of the store hangs', 'down', (event) => /^put os101-a\/.*SV001\/final\/data/.test(event), 1],
  ['every put of the class hangs', 'down', (event) => /^put os101-a\/.*\/final\//.test(event), 2],
  ['the record of the session hangs', 'down', (event) => /^put os101-a\/.*session.json/.test(event), 1],
  ['the lease of the class hangs', 'down', (event) => event === 'put os101-a/lease.json', 1],
  ['every inspection of the class hangs', 'down', (event) => /^inspect SV00/.test(event), 2],
  ['every removal of the class hangs', 'down', (event) => /^remove-container SV00/.test(event), 2],
  ['the network will not close', 'down', (event) => event === 'close-network class-os101-a', 1],
  ['every sandbox hangs while it stands still', 'collect', (event) => /^archive SV00/.test(event), 2],
  ['every start of the class hangs', 'up', (event) => /^start SV00/.test(event), 2],
]

for (const [what, action, isHung, waiting] of cases) {
  test(`${what}: every other class goes up and down meanwhile, and every status is answered`, async (t) => {
    const service = await openTwoClasses(t)
    if (action !== 'up') {
      await done(service, '/room/up-class', classId)
      for (const studentId of students) service.ofClass.runtime.write(studentId, ...workOf(studentId))
    }
    const { release, reached } = hangs(service, isHung, waiting)
    t.after(release)
    const hung = await service.post(`/room/${action}-class`, { classId }, { prefer: 'respond-async' })
    assert.equal(hung.statusCode, 202, hung.body)
    const location = String(hung.headers['location'])
    await reached
    await assertOthersGoOn(service, location)
    release()
    const ended = await service.post(`/room/${action}-class`, { classId })
    assert.equal(ended.statusCode, 200, ended.body)
  })
}
