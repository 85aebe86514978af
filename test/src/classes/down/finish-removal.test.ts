// Removals that stop half-way: the engine dies in the middle, or refuses one DELETE. What was committed before stays the
// answer, with all its files, and the next call finishes the removal.

import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { discardStudent } from '../../../../src/classes/discard-student.ts'
import { withoutRemovals } from '../../../../src/classes/down/finish-removal.ts'
import { resetStudent } from '../../../../src/classes/reset-student.ts'
import { Progress } from '../../../../src/operations/progress.ts'
import { withProblems } from '../../../../src/port-problems.ts'
import { Problem } from '../../../../src/problems.ts'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import type { DownAnswer } from '../../../../src/sessions/outcomes.ts'
import { writeSession } from '../../../../src/sessions/record.ts'
import { file } from '../../../support/memory-archive.ts'
import { classId, openWorkedClass, pair, quiet, workOf } from '../../../support/memory-class.ts'
import { isCollected } from '../../../support/memory-referee.ts'
import { engineGone } from '../../../support/memory-runtime.ts'

type Worked = Awaited<ReturnType<typeof openWorkedClass>>

const refused = () => new RuntimeError('failed', 'The engine refused: operation not permitted')

/** From now on the volume of the student stays, with the first of its files. */
function breakVolume({ runtime }: Worked, studentId = 'SV001', fault = refused): void {
  runtime.before = (event) => {
    if (event !== `remove-volume ${studentId}`) return
    runtime.volume(studentId).things.splice(2)
    throw fault()
  }
}

/** From now on the container of the student stays, dead. */
function breakContainer({ runtime }: Worked, studentId = 'SV001'): void {
  runtime.before = (event) => {
    if (event !== `remove-container ${studentId}`) return
    runtime.container(studentId).state = 'dead'
    throw refused()
  }
}

const mend = ({ runtime }: Worked): void => {
  runtime.before = () => {}
}

const rowOf = ({ students }: Pick<DownAnswer, 'students'>, asked = 'SV001') => {
  const row = students.find(({ studentId }) => studentId === asked) ?? assert.fail('there is no row')
  return `${row.state} ${row.bag?.split('/').at(-2)} ${row.files}`
}

async function problemOf(call: Promise<unknown>): Promise<Problem> {
  const error = await call.then(
    () => assert.fail('it is answered'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Problem, `${error}`)
  return error
}

const anAction = () => ({
  actor: 'tester',
  log: quiet,
  progress: new Progress(),
  signal: new AbortController().signal,
})
const bagsOf = async ({ folderOf }: Worked) => await readdir(folderOf('SV001'))
const reset = ({ context }: Worked, restore?: string) =>
  withProblems('collect-failed', () =>
    resetStudent(context, anAction(), { classId, studentId: 'SV001', ...(restore ? { restore } : {}) }),
  )
const discard = ({ context }: Worked) =>
  withProblems('collect-failed', () =>
    discardStudent(context, anAction(), { classId, studentId: 'SV001', reason: 'broken' }),
  )

for (const [what, breakIt, left] of [
  ['half a volume', breakVolume, { kind: 'volume', name: 'volume' }],
  ['a dead container', breakContainer, { kind: 'sandbox', name: 'class-os101-a--sv001' }],
] as const) {
  test(`${what} that the engine cannot remove has the bag of all files, and goes when the obstacle is gone`, async (t) => {
    const worked = await openWorkedClass(t)
    breakIt(worked)
    for (let call = 1; call <= 3; call++) {
      const answer = await worked.down(call === 2)
      assert.deepEqual([answer.state, rowOf(answer)], ['down', 'collected final 2'])
      const [leaked] = answer.leaked
      assert.equal(leaked?.kind, left.kind)
      if (left.kind === 'sandbox') assert.equal(leaked?.name, left.name)
      assert.match(leaked?.reason ?? '', /not permitted/)
      assert.equal((await worked.record(worked.sessionId))?.ended, undefined)
    }
    mend(worked)
    const answer = await worked.down()
    assert.deepEqual([rowOf(answer), rowOf(answer, 'SV002'), answer.leaked], ['removed final 2', 'removed final 2', []])
    const record = await worked.record(worked.sessionId)
    assert.deepEqual(record?.ended?.answer, answer)
    assert.equal(record?.removing, undefined)
    assert.deepEqual(await bagsOf(worked), ['final'])
    assert.deepEqual(worked.runtime.held(), [])
  })
}

test('an engine that dies in the removal of a volume: the next down finishes it, without another bag', async (t) => {
  const worked = await openWorkedClass(t)
  breakVolume(worked, 'SV001', engineGone)
  await worked.down()
  mend(worked)
  worked.runtime.events.length = 0
  assert.equal(rowOf(await worked.down()), 'removed final 2')
  assert.deepEqual(await bagsOf(worked), ['final'])
  assert.ok(!worked.runtime.events.some((event) => event.startsWith('create-container')))
})

test('that a removal begins is in the record before the first of it goes', async (t) => {
  const worked = await openWorkedClass(t)
  let checked = 0
  worked.runtime.before = async (event) => {
    if (!event.startsWith('remove-')) return
    checked++
    const removing = (await worked.record(worked.sessionId))?.removing ?? []
    assert.deepEqual(new Set(removing.map(({ studentId }) => studentId)), new Set(pair))
  }
  await worked.down()
  assert.equal(checked, 4)
})

test('where the store has lost the bag of what is left, nothing more is removed', async (t) => {
  const worked = await openWorkedClass(t)
  worked.runtime.before = (event) => {
    if (event.startsWith('remove-volume')) throw refused()
  }
  await worked.down()
  mend(worked)
  await rm(join(worked.folderOf('SV001'), 'final/bagit.txt'))
  const { extensions } = await problemOf(worked.down())
  assert.match(JSON.stringify(extensions), /store-mismatch/)
  assert.deepEqual(
    worked.runtime.held().filter((held) => held.startsWith('volume')),
    ['volume SV001', 'volume SV002'],
  )
  assert.equal(rowOf(await worked.down(true), 'SV002'), 'removed final 2')
})

test('a sandbox that runs again after its removal was refused is collected again, whoever removes its container then', async (t) => {
  const worked = await openWorkedClass(t)
  const { runtime } = worked
  runtime.before = (event) => {
    if (event !== 'remove-container SV001') return
    runtime.start(runtime.container('SV001'))
    runtime.write('SV001', file('new.txt', 'new'))
    throw new RuntimeError('running', 'The sandbox runs.')
  }
  await problemOf(worked.down())
  mend(worked)
  runtime.containers.delete(runtime.container('SV001').id)
  assert.equal(rowOf(await worked.down()), 'removed final-2 3')
  assert.ok(await isCollected(worked.folderOf('SV001'), [...workOf('SV001'), file('new.txt', 'new')]))
})

test('a container that another hand removes before its removal begins leaves its work to the next down', async (t) => {
  const worked = await openWorkedClass(t)
  const { runtime } = worked
  runtime.before = (event) => {
    if (event !== 'inspect SV001') return
    runtime.write('SV001', file('new.txt', 'new'))
    runtime.containers.delete(runtime.container('SV001').id)
    throw new RuntimeError('gone', 'No such container.')
  }
  assert.equal((await worked.down()).leaked.length, 1)
  mend(worked)
  assert.equal(rowOf(await worked.down()), 'removed final-2 3')
})

test('a dead container that ran again since its removal was refused is collected again', async (t) => {
  const worked = await openWorkedClass(t)
  const { runtime } = worked
  runtime.before = (event) => {
    if (event === 'remove-container SV001') throw refused()
  }
  await worked.down()
  mend(worked)
  runtime.start(runtime.container('SV001'))
  runtime.write('SV001', file('new.txt', 'new'))
  runtime.exit(runtime.container('SV001'), 0)
  runtime.container('SV001').state = 'dead'
  assert.equal(rowOf(await worked.down()), 'removed final-2 3')
})

for (const [what, begin] of [
  ['a reset', reset],
  ['a discard', discard],
] as const) {
  test(`half a volume that ${what} left is nobody's workspace: the next up removes it first`, async (t) => {
    const worked = await openWorkedClass(t)
    breakVolume(worked)
    await problemOf(begin(worked))
    const { students } = await worked.up({ students: pair, allowPartial: true })
    assert.deepEqual(
      students.map(({ state }) => state),
      ['failed', 'running'],
    )
    assert.match(students[0]?.error?.detail ?? '', /is in a bag, cannot be removed yet/)
    mend(worked)
    await worked.up({ students: pair })
    assert.deepEqual(worked.runtime.volume('SV001').things.slice(1), [])
    assert.equal((await worked.record(worked.sessionId))?.removing, undefined)
    // Whatever comes now is new work.
    worked.runtime.write('SV001', file('new.txt', 'new'))
    worked.runtime.containers.delete(worked.runtime.container('SV001').id)
    assert.equal(rowOf(await worked.down()), 'removed final 1')
  })

  test(`half a volume that ${what} left: a down finishes it and names the bag of all files`, async (t) => {
    const worked = await openWorkedClass(t)
    breakVolume(worked)
    await problemOf(begin(worked))
    mend(worked)
    const bags = await bagsOf(worked)
    assert.equal(rowOf(await worked.down()), `removed ${bags[0]} 2`)
    assert.deepEqual(await bagsOf(worked), bags)
    assert.deepEqual(worked.runtime.held(), [])
  })

  test(`half a volume that ${what} left: repeating the call finishes it, without another bag`, async (t) => {
    const worked = await openWorkedClass(t)
    breakVolume(worked)
    await problemOf(begin(worked))
    mend(worked)
    const bags = await bagsOf(worked)
    await begin(worked)
    assert.deepEqual(await bagsOf(worked), bags)
  })
}

test('a failed up that cannot take back what it made: the down names the bag of all files', async (t) => {
  const worked = await openWorkedClass(t)
  const { runtime } = worked
  runtime.startsAs.set('SV003', 'exited')
  breakVolume(worked, 'SV003')
  const { before } = runtime
  runtime.before = (event) => {
    if (event === 'wait-ready') runtime.write('SV003', file('a', 'a'), file('b', 'b'))
    return before(event)
  }
  await problemOf(worked.up({ students: ['SV003'] }))
  mend(worked)
  const answer = await worked.down()
  assert.match(rowOf(answer, 'SV003'), /^removed snapshot-\S+ 2$/)
  assert.deepEqual(runtime.held(), [])
})

for (const state of ['removing', 'dead'] as const) {
  test(`a container that another hand left ${state}: its volume is collected, and an up makes a new one around it`, async (t) => {
    const worked = await openWorkedClass(t)
    worked.runtime.container('SV001').state = state
    await worked.up({ students: pair })
    assert.equal(worked.runtime.container('SV001').state, 'running')
    worked.runtime.container('SV001').state = state
    assert.equal(rowOf(await worked.down()), 'removed final 2')
    assert.deepEqual(worked.runtime.held(), [])
  })

  test(`a container that another hand left ${state} and the engine cannot remove holds up neither bag nor class`, async (t) => {
    const worked = await openWorkedClass(t)
    worked.runtime.container('SV001').state = state
    const { id } = worked.runtime.container('SV001')
    const { removeSandbox } = worked.runtime
    let isStuck = true
    t.mock.method(worked.runtime, 'removeSandbox', async (sandboxId: string) => {
      if (isStuck && sandboxId === id) throw refused()
      await removeSandbox.call(worked.runtime, sandboxId)
    })
    const stuck = await worked.down()
    assert.deepEqual([rowOf(stuck), rowOf(stuck, 'SV002')], ['collected final 2', 'removed final 2'])
    assert.equal(stuck.leaked[0]?.kind, 'volume')
    isStuck = false
    assert.equal(rowOf(await worked.down()), 'removed final 2')
    assert.deepEqual(worked.runtime.held(), [])
  })
}

test('half a volume of which the record says nothing: the committed bag that holds all of it stays the answer', async (t) => {
  const worked = await openWorkedClass(t)
  breakVolume(worked)
  await worked.down()
  mend(worked)
  const record = (await worked.record(worked.sessionId)) ?? assert.fail('there is no record')
  await writeSession(worked.store, withoutRemovals(record, pair))
  assert.equal(rowOf(await worked.down()), 'removed final 2')
  assert.deepEqual(await bagsOf(worked), ['final'])
})
