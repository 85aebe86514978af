// Many classes at once on one engine, more than its own address pools could serve, and one class many times: nothing mixes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from '@sinclair/typebox'
import { catalogueOf } from '../support/catalogue.ts'
import { inspect, leftovers, networksOf, shell } from '../support/docker.ts'
import { downClass, upClass } from '../support/faults.ts'
import { skipWithoutEngine, skipWithoutStore, storeKinds } from '../support/live.ts'
import { install } from '../support/service.ts'
import { shaped } from '../support/shape.ts'

const student = 's01'
const classes = Array.from({ length: 45 }, (_, index) => `class-${index + 1}`)
const rounds = 10

const Subnet = Type.Object({ IPAM: Type.Object({ Config: Type.Array(Type.Object({ Subnet: Type.String() })) }) })
const Sessions = Type.Object({
  classId: Type.String(),
  sessions: Type.Array(Type.Object({ sessionId: Type.String() })),
})

/** What a student's sandbox is called, whatever the class. */
const containerOf = (classId: string): string => `class-${classId}--${student}`
const writeNote = (classId: string, note: string): Promise<Buffer> =>
  shell(containerOf(classId), `echo '${note}' >/home/student/'${note}'`)

test('45 classes of the same student id at once', { skip: skipWithoutEngine }, async (t) => {
  const catalogue = catalogueOf(Object.fromEntries(classes.map((classId) => [classId, [student]])))
  const site = await install(t, { name: 'many', store: 'directory', subnets: '10.212.0.0/16', catalogue })
  const service = await site.start()

  const began = Date.now()
  const ups = await Promise.all(classes.map((classId) => upClass(service, classId)))
  const upEnded = Date.now()
  const networks = await networksOf(site.label)
  const subnets = await Promise.all(networks.map((network) => inspect('network', network, Subnet)))
  assert.equal(new Set(subnets.map(({ IPAM }) => IPAM.Config[0]?.Subnet)).size, classes.length)
  assert.equal(new Set(ups.map(({ students }) => students[0]?.containerId)).size, classes.length)
  await Promise.all(classes.map((classId) => writeNote(classId, `work of ${classId}`)))

  const downBegan = Date.now()
  const downs = await Promise.all(classes.map((classId) => downClass(service, classId)))
  const [upSeconds, downSeconds] = [upEnded - began, Date.now() - downBegan].map((ms) => (ms / 1000).toFixed(1))
  t.diagnostic(`${classes.length} ups took ${upSeconds} s, as many downs ${downSeconds} s`)
  assert.deepEqual(await leftovers(site.label), [])
  for (const [index, down] of downs.entries()) {
    const { classId, sessionId } = ups[index] ?? {}
    assert.deepEqual([down.classId, down.sessionId, down.state, down.leaked], [classId, sessionId, 'down', []])
  }

  const keys = [...(await site.artifacts.list('')).keys()].filter((key) => key.includes('/data/workspace/'))
  const expected = downs.map(({ classId, students }) => `${students[0]?.bag}data/workspace/work of ${classId}`)
  assert.deepEqual(keys.sort(), expected.sort())
})

for (const store of storeKinds) {
  test(`one class ten times in a row, ${store} store`, { skip: skipWithoutStore(store) }, async (t) => {
    const catalogue = catalogueOf({ again: [student] })
    const site = await install(t, { name: 'many', store, subnets: '10.212.0.0/16', catalogue })
    const service = await site.start()
    const sessionIds: string[] = []
    for (let round = 1; round <= rounds; round++) {
      const up = await upClass(service, 'again')
      assert.equal(
        (await shell(containerOf('again'), 'ls -A /home/student')).toString(),
        '',
        'a new session starts empty',
      )
      await writeNote('again', `round ${round}`)
      const down = await downClass(service, 'again')
      assert.deepEqual([down.state, down.sessionId, down.students[0]?.files], ['down', up.sessionId, 1])
      sessionIds.push(down.sessionId)
    }

    assert.deepEqual(await leftovers(site.label), [])
    assert.deepEqual([...new Set(sessionIds)].sort(), sessionIds, 'ids are new each time and sort by time')
    const { body } = await service.get('/room/classes/again/sessions')
    const listed = shaped(Sessions, body).sessions.map(({ sessionId }) => sessionId)
    assert.deepEqual(listed, [...sessionIds].reverse(), 'the newest is listed first')
    const keys = [...(await site.artifacts.list('')).keys()].filter((key) => key.includes('/data/workspace/'))
    const expected = sessionIds.map(
      (sessionId, index) => `again/${sessionId}/${student}/final/data/workspace/round ${index + 1}`,
    )
    assert.deepEqual(keys.sort(), expected.sort())
  })
}
