// Downs that go well, and downs that meet students, other hands, labs and a stop of the service: what goes, what is
// kept, what is said. Over 250 lines, for each case is short and all need the same class.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pino } from 'pino'
import { Progress } from '../../../../src/operations/progress.ts'
import { Problem, type ProblemCode } from '../../../../src/problems.ts'
import { RuntimeError } from '../../../../src/runtime/errors.ts'
import type { DownAnswer } from '../../../../src/sessions/outcomes.ts'
import { writeSession } from '../../../../src/sessions/record.ts'
import { StoreError } from '../../../../src/store/port.ts'
import { file } from '../../../support/memory-archive.ts'
import { openClass, openWorkedClass, pair, students, workOf } from '../../../support/memory-class.ts'
import { checkBag, isCollected } from '../../../support/memory-referee.ts'
import { engineGone } from '../../../support/memory-runtime.ts'

const statesOf = ({ students }: Pick<DownAnswer, 'students'>) =>
  students.map(({ studentId, state, error }) => `${studentId} ${state}${error ? ` ${error.code}` : ''}`)

/** The problem that a call is refused with, and what it says of the students. */
async function refusal(call: Promise<unknown>, code: ProblemCode): Promise<{ problem: Problem; states: string[] }> {
  const problem: unknown = await call.then(
    () => assert.fail('it is answered'),
    (error: unknown) => error,
  )
  assert.ok(problem instanceof Problem, `${problem}`)
  assert.equal(problem.code, code, problem.message)
  const students = problem.extensions['students']
  return { problem, states: Array.isArray(students) ? statesOf({ students }) : [] }
}

async function* cutShort() {
  yield Buffer.from('some')
  throw new RuntimeError('archive', 'The archive was cut short.')
}

test('down answers with a receipt for each student, and nothing is left on the engine', async (t) => {
  const { down, runtime, sessionId, folderOf, record } = await openWorkedClass(t)
  const answer = await down()
  assert.deepEqual(runtime.held(), [])
  assert.deepEqual(answer.leaked, [])
  assert.equal(answer.state, 'down')
  assert.equal(answer.artifacts.prefix, `os101-a/${sessionId}/`)
  for (const { studentId, state, bag, files, bytes, skipped, manifestSha256 } of answer.students) {
    assert.deepEqual(
      { state, bag, files, bytes, skipped },
      { state: 'removed', bag: `os101-a/${sessionId}/${studentId}/final/`, files: 2, bytes: 19, skipped: 0 },
    )
    assert.match(manifestSha256 ?? '', /^[0-9a-f]{64}$/)
    assert.ok(await isCollected(folderOf(studentId), workOf(studentId)))
  }
  assert.deepEqual((await record(sessionId))?.ended?.answer, answer)
})

test('the receipt in the answer is the digest of the manifest, and stands in the bag too', async (t) => {
  const { down, folderOf } = await openWorkedClass(t)
  for (const { studentId, manifestSha256 } of (await down()).students) {
    const files = await checkBag(join(folderOf(studentId), 'final'))
    const manifest = files.get('manifest-sha256.txt') ?? assert.fail('there is no manifest')
    const submission = JSON.parse(files.get('meta/submission.json')?.toString() ?? '')
    assert.equal(manifestSha256, createHash('sha256').update(manifest).digest('hex'))
    assert.deepEqual(submission.manifest, { key: 'manifest-sha256.txt', sha256: manifestSha256 })
    assert.match(
      files.get('bag-info.txt')?.toString() ?? '',
      new RegExp(`^Class-.*-Manifest-SHA256: ${manifestSha256}$`, 'm'),
    )
  }
})

test('every bag is committed before the first removal; container before volume, and the network last', async (t) => {
  const { down, runtime, folderOf } = await openWorkedClass(t)
  let checked = false
  runtime.before = async (event) => {
    if (checked || !event.startsWith('remove-')) return
    checked = true
    for (const studentId of pair) assert.ok(await isCollected(folderOf(studentId), workOf(studentId)))
  }
  await down()
  assert.ok(checked)
  const place = (event: string) => runtime.events.indexOf(event)
  for (const studentId of pair) {
    const order = ['stop', 'archive', 'inspect', 'remove-container', 'remove-volume'].map(
      (call) => `${call} ${studentId}`,
    )
    assert.deepEqual(
      order.map(place),
      order.map(place).sort((a, b) => a - b),
      order.join(),
    )
    assert.ok(place(`stop ${studentId}`) >= 0)
    assert.ok(runtime.events.lastIndexOf(`archive ${studentId}`) < place('inspect SV001'))
  }
  assert.equal(runtime.events.at(-1), 'close-network class-os101-a')
})

test('down is recorded before the first sandbox is touched, with who asked', async (t) => {
  const { down, runtime, sessionId, record } = await openWorkedClass(t)
  let recorded: unknown
  runtime.before = async (event) => {
    if (event !== 'survey') recorded ??= (await record(sessionId))?.down?.by
  }
  await down(false, { actor: 't-lan' })
  assert.equal(recorded, 't-lan')
})

test('a class that is down answers again what it answered; one that never was up is a problem', async (t) => {
  const { down, runtime, ofClass } = await openWorkedClass(t)
  const answer = await down()
  runtime.events.length = 0
  ofClass.storeHooks = { before: (method) => assert.ok(method !== 'put' && method !== 'remove') }
  assert.deepEqual(await down(), answer)
  assert.deepEqual(runtime.events, [])
  await refusal((await openClass(t)).down(), 'class-not-up')
})

test('one who cannot be collected keeps all; allowPartial lets the others go; a later call finishes', async (t) => {
  const { down, runtime, sessionId, record } = await openWorkedClass(t)
  const stay = ['container SV002 exited', 'volume SV002']
  const { things } = runtime.volume('SV002')
  things.push({ ...file('cut', cutShort), size: 10 })

  const { states, problem } = await refusal(down(), 'collect-failed')
  assert.deepEqual(states, ['SV001 collected', 'SV002 kept archive-incomplete'])
  assert.match(problem.message, /1 of 2 .*SV002.*cut short/)
  const all = ['container SV001 exited', ...stay.slice(0, 1), 'network class-os101-a', 'volume SV001', ...stay.slice(1)]
  assert.deepEqual(runtime.held(), all)

  const partial = await down(true)
  assert.equal(partial.state, 'down-partial')
  assert.deepEqual(statesOf(partial), ['SV001 removed', 'SV002 kept archive-incomplete'])
  assert.deepEqual(runtime.held(), ['container SV002 exited', 'network class-os101-a', 'volume SV002'])
  assert.equal((await record(sessionId))?.ended, undefined)

  things.pop()
  const answer = await down()
  assert.equal(answer.state, 'down')
  assert.deepEqual(statesOf(answer), ['SV001 removed', 'SV002 removed'])
  assert.deepEqual(answer.students[0], partial.students[0], 'the receipt of the first is the same')
  assert.deepEqual(runtime.held(), [])
})

test('a student removed by another hand is lost, which only allowPartial passes over', async (t) => {
  const { down, runtime, sessionId, record } = await openWorkedClass(t)
  runtime.containers.delete(runtime.container('SV002').id)
  runtime.volumes.delete(runtime.volume('SV002').name)
  const { states } = await refusal(down(), 'collect-failed')
  assert.deepEqual(states, ['SV001 collected', 'SV002 lost lost'])
  const answer = await down(true)
  assert.equal(answer.state, 'down-partial')
  assert.deepEqual(statesOf(answer), ['SV001 removed', 'SV002 lost lost'])
  assert.deepEqual(runtime.held(), [])
  assert.ok((await record(sessionId))?.ended)
})

test('a volume whose container another hand removed is collected through a new one', async (t) => {
  const { down, runtime, folderOf } = await openWorkedClass(t)
  runtime.containers.delete(runtime.container('SV002').id)
  assert.equal((await down()).state, 'down')
  assert.deepEqual(runtime.held(), [])
  const bag = await checkBag(join(folderOf('SV002'), 'final'))
  assert.match(bag.get('meta/submission.json')?.toString() ?? '', /removed by another hand/)
})

test('a sandbox that ran again after its collection is kept; its new work goes into a second bag', async (t) => {
  for (const ended of [false, true]) {
    const { down, runtime, folderOf } = await openWorkedClass(t)
    const late = file('late.txt', 'written after the collection')
    runtime.before = (event) => {
      if (event !== 'inspect SV001') return
      runtime.before = () => {}
      const container = runtime.container('SV001')
      runtime.start(container)
      runtime.write('SV001', late)
      if (ended) runtime.exit(container, 0)
    }
    const { states } = await refusal(down(), 'collect-failed')
    assert.deepEqual(states, ['SV001 kept changed', 'SV002 removed'])
    assert.ok(runtime.container('SV001'))

    const answer = await down()
    assert.equal(answer.students[0]?.bag?.endsWith('/SV001/final-2/'), true)
    assert.ok(await isCollected(folderOf('SV001'), [...workOf('SV001'), late]))
    assert.deepEqual(runtime.held(), [])
  }
})

test('a restarted sandbox keeps its network under allowPartial too', async (t) => {
  const { down, runtime } = await openWorkedClass(t)
  runtime.before = (event) => {
    if (event === 'inspect SV001') runtime.start(runtime.container('SV001'))
  }
  const answer = await down(true)
  assert.deepEqual(statesOf(answer), ['SV001 kept changed', 'SV002 removed'])
  assert.deepEqual(runtime.held(), ['container SV001 running', 'network class-os101-a', 'volume SV001'])
})

test('a session whose record is lost is collected by the labels alone', async (t) => {
  const { down, runtime, folder, sessionId, folderOf } = await openWorkedClass(t)
  await rm(join(folder, 'os101-a', sessionId, 'session.json'))
  const answer = await down()
  assert.equal(answer.state, 'down')
  assert.deepEqual(statesOf(answer), ['SV001 removed', 'SV002 removed'])
  for (const studentId of pair) assert.ok(await isCollected(folderOf(studentId), workOf(studentId)))
  assert.deepEqual(runtime.held(), [])
})

test('a sandbox whose collect label cannot be read is kept', async (t) => {
  const { down, runtime } = await openWorkedClass(t)
  runtime.containers.set(runtime.container('SV001').id, { ...runtime.container('SV001'), collect: '{"v":2}' })
  const { states } = await refusal(down(), 'collect-failed')
  assert.deepEqual(states, ['SV001 kept failed', 'SV002 collected'])
  assert.ok(!runtime.events.includes('stop SV001'))
})

test('while the store is away nothing is stopped, so that students can go on working', async (t) => {
  const { ofClass, runtime } = await openWorkedClass(t)
  for (const failing of ['read', 'put'] as const) {
    ofClass.storeHooks = {
      before(method) {
        if (method === failing) throw new StoreError('unreachable', 'connect ECONNREFUSED 10.0.0.9:9000')
      },
    }
    const { problem } = await refusal(ofClass.down(), 'store-unavailable')
    assert.equal(problem.status, 503)
    assert.deepEqual(problem.extensions, {})
    assert.equal(problem.message.split('The store does not answer.').length - 1, 1, 'once, not once a student')
    assert.doesNotMatch(problem.message, /10\.0\.0\.9/)
    assert.deepEqual(runtime.events, [])
  }
})

test('a store that goes away while bags are made is one problem of the store; another fault beside it is one of the students', async (t) => {
  for (const other of [false, true]) {
    const { ofClass, runtime, folderOf } = await openWorkedClass(t)
    if (other) runtime.volume('SV001').things.push({ ...file('cut', cutShort), size: 10 })
    ofClass.storeHooks = {
      before(method, key) {
        const isAway = method === 'put' && key.includes(other ? 'SV002/' : 'SV00')
        if (isAway) throw new StoreError('unreachable', 'connect ECONNREFUSED 10.0.0.9:9000')
      },
    }
    const { states, problem } = await refusal(ofClass.down(), other ? 'collect-failed' : 'store-unavailable')
    const first = other ? 'archive-incomplete' : 'store-unavailable'
    assert.deepEqual(states, [`SV001 kept ${first}`, 'SV002 kept store-unavailable'])
    assert.equal(problem.status, other ? 502 : 503)
    if (!other) assert.match(problem.message, /^2 of 2 sandboxes .* removed\. The store does not answer\. Ask [^.]*\.$/)
    assert.deepEqual(runtime.held().filter((each) => each.startsWith('container')).length, 2)
    ofClass.storeHooks = {}
    if (other) continue
    assert.equal((await ofClass.down()).state, 'down')
    assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
  }
})

test('an engine that goes away while bags are made is one problem of the engine', async (t) => {
  const { ofClass, runtime } = await openWorkedClass(t)
  runtime.before = (event) => {
    if (event.startsWith('archive')) throw engineGone()
  }
  const { states } = await refusal(ofClass.down(), 'engine-unavailable')
  assert.deepEqual(states, ['SV001 kept engine-unavailable', 'SV002 kept engine-unavailable'])
})

test('an engine that is away is a problem of its own', async (t) => {
  const { down, runtime } = await openWorkedClass(t)
  runtime.before = () => {
    throw engineGone()
  }
  await refusal(down(), 'engine-unavailable')
})

test('the lab’s own command runs before the stop; its failure is noted and stops nothing', async (t) => {
  const beforeCollect = { command: ['make', 'submission'], timeoutSeconds: 5 }
  const { down, runtime, folderOf } = await openWorkedClass(t, { collect: { beforeCollect } })
  const commands: string[] = []
  runtime.onExec = (studentId, command) => {
    commands.push(`${studentId} ${command.join(' ')}`)
    if (command[0] !== 'make') return {}
    if (studentId === 'SV002') throw new RuntimeError('failed', 'The command did not end within 5 s.')
    return { exitCode: 2, stderr: Buffer.from('no rule to make target') }
  }
  assert.equal((await down()).state, 'down')
  assert.ok(commands.includes('SV001 make submission') && commands.includes('SV002 make submission'))
  assert.ok(runtime.events.indexOf('exec SV001') < runtime.events.indexOf('stop SV001'))
  const notes = async (studentId: string): Promise<string[]> => {
    const bag = await checkBag(join(folderOf(studentId), 'final'))
    return notesOf(bag)
  }
  assert.deepEqual(await notes('SV001'), ['beforeCollect: exit code 2: no rule to make target'])
  assert.deepEqual(await notes('SV002'), ['beforeCollect: The command did not end within 5 s.'])
})

/** But for what every bag says of extended attributes. */
function notesOf(bag: ReadonlyMap<string, Buffer>): string[] {
  const { notes } = JSON.parse(bag.get('meta/submission.json')?.toString() ?? '')
  return notes.filter((note: string) => !note.startsWith('Extended attributes'))
}

test('sockets, which no archive holds, are named as skipped', async (t) => {
  const { down, runtime, folderOf } = await openWorkedClass(t)
  runtime.onExec = () => ({
    stdout: Buffer.from('/home/student/run/db.sock\0/home/student/bad\xff\0/etc/other\0', 'latin1'),
  })
  const answer = await down()
  assert.equal(answer.students[0]?.skipped, 2)
  const bag = await checkBag(join(folderOf('SV001'), 'final'))
  const { skipped } = JSON.parse(bag.get('meta/submission.json')?.toString() ?? '')
  assert.deepEqual(
    skipped.map(({ path, type }: { path: string; type: string }) => [path, type]),
    [
      ['run/db.sock', 'socket'],
      ['bad\ufffd', 'socket'],
    ],
  )
})

test('a FIFO is named as skipped once, whether the archive has it or it exists inside alone', async (t) => {
  const { down, runtime, folderOf } = await openWorkedClass(t)
  runtime.write('SV001', { path: 'archived', type: 'fifo' })
  const found = ['archived', 'archived', 'inside', 'inside', 'sock'].map((path) => `/home/student/${path}\0`)
  runtime.onExec = () => ({ stdout: Buffer.from(found.join('')) })
  const answer = await down()
  assert.equal(answer.students[0]?.skipped, 3)
  const bag = await checkBag(join(folderOf('SV001'), 'final'))
  const { skipped } = JSON.parse(bag.get('meta/submission.json')?.toString() ?? '')
  assert.deepEqual(
    skipped.map(({ path, type }: { path: string; type: string }) => [path, type]),
    [
      ['archived', 'fifo'],
      ['inside', 'fifo'],
      ['sock', 'socket'],
    ],
  )
})

test('more sockets than a list can hold: those that are whole in it are named, and the bag says that there are more', async (t) => {
  const { down, runtime, folderOf } = await openWorkedClass(t)
  runtime.onExec = () => ({ stdout: Buffer.from('/home/student/a.sock\0/home/student/cut-of'), truncated: true })
  await down()
  const bag = await checkBag(join(folderOf('SV001'), 'final'))
  const { skipped } = JSON.parse(bag.get('meta/submission.json')?.toString() ?? '')
  assert.deepEqual(
    skipped.map(({ path }: { path: string }) => path),
    ['a.sock'],
  )
  assert.deepEqual(notesOf(bag), ['There are more sockets than could be listed: some are not named.'])
})

test('what the engine would not remove is leaked, and holds the session open until a later call', async (t) => {
  const { down, runtime, sessionId, record, up } = await openWorkedClass(t)
  runtime.before = (event) => {
    if (event === 'remove-container SV001') throw new RuntimeError('failed', 'The engine refused: device busy')
  }
  const answer = await down()
  assert.deepEqual(answer.leaked, [
    { kind: 'sandbox', name: 'class-os101-a--sv001', reason: 'The engine refused: device busy' },
  ])
  assert.deepEqual(statesOf(answer), ['SV001 collected', 'SV002 removed'])
  assert.deepEqual(runtime.held(), ['container SV001 exited', 'network class-os101-a', 'volume SV001'])
  assert.equal((await record(sessionId))?.ended, undefined)
  await refusal(up(), 'down-unfinished')

  runtime.before = () => {}
  const again = await down()
  assert.deepEqual(statesOf(again), ['SV001 removed', 'SV002 removed'])
  assert.equal(again.students[0]?.bag, answer.students[0]?.bag, 'the bag is the one that was committed')
  assert.deepEqual(runtime.held(), [])
})

test('a refusal after the first removal names what the engine would not remove too', async (t) => {
  const { down, runtime } = await openWorkedClass(t)
  runtime.before = (event) => {
    if (event === 'inspect SV001') runtime.start(runtime.container('SV001'))
    if (event === 'remove-container SV002') throw new RuntimeError('failed', 'The engine refused: device busy')
  }
  const { states, problem } = await refusal(down(), 'collect-failed')
  assert.deepEqual(states, ['SV001 kept changed', 'SV002 collected'])
  assert.deepEqual(problem.extensions['leaked'], [
    { kind: 'sandbox', name: 'class-os101-a--sv002', reason: 'The engine refused: device busy' },
  ])
})

test('a network that would not go is leaked, and in nobody’s way', async (t) => {
  const { down, runtime, up } = await openWorkedClass(t)
  runtime.before = (event) => {
    if (event.startsWith('close-network')) throw new RuntimeError('failed', 'The engine refused: active endpoints')
  }
  const answer = await down()
  assert.equal(answer.state, 'down')
  assert.deepEqual(
    answer.leaked.map(({ kind }) => kind),
    ['network'],
  )
  runtime.before = () => {}
  assert.equal((await up()).state, 'up')
})

test('a volume that outlived its container is removed by the bag that was made of both', async (t) => {
  const { down, runtime } = await openWorkedClass(t)
  runtime.before = (event) => {
    if (event === 'remove-volume SV001') throw engineGone()
  }
  const first = await down()
  assert.deepEqual(runtime.held(), ['network class-os101-a', 'volume SV001'])
  runtime.before = () => {}
  const answer = await down()
  assert.deepEqual(runtime.held(), [])
  assert.equal(answer.students[0]?.bag, first.students[0]?.bag, 'no second bag without the logs takes its place')
})

test('a stop of the service keeps what is not committed, and a later call finishes', async (t) => {
  const { down, runtime } = await openWorkedClass(t)
  const stopping = new AbortController()
  runtime.after = (event) => {
    if (event === 'archive SV001') stopping.abort(new Error('the service is stopping'))
  }
  const { states } = await refusal(down(false, { signal: stopping.signal }), 'collect-failed')
  assert.equal(states[0], 'SV001 kept failed')
  assert.ok(!runtime.events.some((event) => event.startsWith('remove-')))
  runtime.after = () => {}
  assert.equal((await down()).state, 'down')
})

test('a bag that the store has lost or changed by the end is said so, and ends the session as down-partial', async (t) => {
  const another = `${'0'.repeat(64)}  data/workspace/SV001.txt\n`
  for (const [lost, damage, detail] of [
    ['data/workspace/a/b', (path: string) => rm(path), /data\/workspace\/a\/b is missing/],
    ['bagit.txt', (path: string) => rm(path), /bagit\.txt is missing/],
    ['manifest-sha256.txt', (path: string) => rm(path), /manifest-sha256\.txt is missing/],
    ['manifest-sha256.txt', (path: string) => writeFile(path, another), /manifest-sha256\.txt is not the one/],
  ] as const) {
    const { down, runtime, folderOf, record, sessionId } = await openWorkedClass(t)
    runtime.after = async (event) => {
      if (event === 'close-network class-os101-a') await damage(join(folderOf('SV001'), 'final', lost))
    }
    const logged: Record<string, unknown>[] = []
    const log = pino({ level: 'error' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
    const answer = await down(false, { log })
    assert.equal(answer.state, 'down-partial', lost)
    assert.deepEqual(statesOf(answer), ['SV001 removed store-mismatch', 'SV002 removed'], lost)
    assert.match(answer.students[0]?.error?.detail ?? '', detail)
    assert.match(answer.students[0]?.manifestSha256 ?? '', /^[0-9a-f]{64}$/, 'the receipt stays')
    assert.deepEqual(
      logged.map(({ studentId }) => studentId),
      ['SV001'],
    )
    assert.deepEqual((await record(sessionId))?.ended?.answer, answer)
    assert.deepEqual(await down(), answer, 'nobody can repair it by a repeat')
  }
})

test('a store that cannot be asked at the end leaves the session open, and a later call confirms its bags', async (t) => {
  const { down, runtime, ofClass, record, sessionId } = await openWorkedClass(t)
  runtime.after = (event) => {
    if (event !== 'close-network class-os101-a') return
    ofClass.storeHooks = {
      before(method) {
        if (method === 'list') throw new StoreError('unreachable', 'The store does not answer.')
      },
    }
  }
  const answer = await down()
  assert.equal(answer.state, 'down-partial')
  assert.deepEqual(statesOf(answer), ['SV001 removed store-unavailable', 'SV002 removed store-unavailable'])
  assert.equal((await record(sessionId))?.ended, undefined)
  ofClass.storeHooks = {}
  assert.equal((await down()).state, 'down')
  assert.equal((await record(sessionId))?.ended?.answer.state, 'down')
})

test('a bag whose commit mark the store lost is made again while its sandbox is there', async (t) => {
  const { down, runtime, folderOf } = await openWorkedClass(t)
  const { things } = runtime.volume('SV002')
  things.push({ ...file('cut', cutShort), size: 10 })
  assert.deepEqual((await refusal(down(), 'collect-failed')).states, [
    'SV001 collected',
    'SV002 kept archive-incomplete',
  ])
  await rm(join(folderOf('SV001'), 'final/bagit.txt'))
  things.pop()
  assert.equal((await down()).state, 'down')
  assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
})

test('who was removed, and whose bag the store then damaged, is not called lost: the bag is named, with what it lacks', async (t) => {
  for (const name of ['bagit.txt', 'bag-info.txt']) {
    const { down, runtime, folderOf, sessionId, record } = await openWorkedClass(t)
    const { things } = runtime.volume('SV002')
    things.push({ ...file('cut', cutShort), size: 10 })
    await down(true)
    await rm(join(folderOf('SV001'), 'final', name))
    things.pop()
    const { states, problem } = await refusal(down(), 'collect-failed')
    assert.deepEqual(states, ['SV001 removed store-mismatch', 'SV002 collected'])
    assert.match(problem.message, new RegExp(`SV001: .* lacks ${name}`))
    const answer = await down(true)
    assert.deepEqual(statesOf(answer), ['SV001 removed store-mismatch', 'SV002 removed'])
    assert.equal(answer.students[0]?.bag, `os101-a/${sessionId}/SV001/final/`)
    assert.equal(answer.state, 'down-partial')
    assert.deepEqual(runtime.held(), [])
    assert.deepEqual((await record(sessionId))?.ended?.answer, answer, 'nobody can repair it by a repeat')
  }
})

test('a bag that the store loses while others are still collected keeps its sandbox', async (t) => {
  const { down, runtime, ofClass, folderOf } = await openWorkedClass(t)
  const path = join(folderOf('SV001'), 'final/data/workspace/a/b')
  let committed = () => {}
  const firstIsCommitted = new Promise<void>((resolve) => {
    committed = resolve
  })
  ofClass.storeHooks = {
    async after(method, key) {
      if (method !== 'read' || !key.endsWith('SV001/final/bagit.txt')) return
      await rm(path)
      committed()
    },
  }
  runtime.before = (event) => (event === 'archive SV002' ? firstIsCommitted : undefined)
  assert.deepEqual((await refusal(down(), 'collect-failed')).states, ['SV001 kept store-mismatch', 'SV002 removed'])
  assert.ok(runtime.held().includes('container SV001 exited'))
  ofClass.storeHooks = {}
  await writeFile(path, 'deeper')
  assert.equal((await down()).state, 'down')
  assert.ok(await isCollected(folderOf('SV001'), workOf('SV001')))
})

test('sandboxes that take all of their grace to stop hold nobody else up', async (t) => {
  const { down, runtime, ofClass } = await openWorkedClass(t, {}, students)
  let [committed, stopping] = [() => {}, 0]
  const otherCommitted = new Promise<void>((resolve) => {
    committed = resolve
  })
  runtime.before = async (event) => {
    // As many as are collected at once.
    if (event === 'stop SV001' || event === 'stop SV002') {
      stopping++
      await otherCommitted
    }
  }
  ofClass.storeHooks = {
    after(method, key) {
      if (method === 'put' && key.endsWith('SV003/final/bagit.txt')) committed()
    },
  }
  assert.equal((await down()).state, 'down')
  assert.equal(stopping, 2)
})

for (const [when, listed, left] of [
  ['before it looks for what an earlier attempt left', 'SV001/final/data/workspace/', true],
  ['before it looks at what it has stored', 'SV001/final/', false],
] as const) {
  test(`a process that was overtaken ${when} takes nothing out of a bag that is committed`, async (t) => {
    const { down, runtime, ofClass, folderOf } = await openWorkedClass(t, {}, ['SV001'])
    const late = file('late.txt', 'the last minute')
    if (left) {
      await mkdir(join(folderOf('SV001'), 'final/data/workspace'), { recursive: true })
      await writeFile(join(folderOf('SV001'), 'final/data/workspace/old'), 'old')
    }
    let [lists, overtaken] = [0, false]
    ofClass.storeHooks = {
      async before(method, key) {
        // The first list of the bag itself is before anything is read.
        if (method === 'list' && key.endsWith('SV001/final/')) lists++
        if (overtaken || method !== 'list' || !key.endsWith(listed) || (!left && lists < 2)) return
        overtaken = true
        runtime.start(runtime.container('SV001'))
        runtime.write('SV001', late)
        runtime.exit(runtime.container('SV001'), 0)
        assert.equal((await down()).state, 'down')
      },
    }
    const { states, problem } = await refusal(down(), 'collect-failed')
    assert.equal(states[0], 'SV001 kept changed', JSON.stringify(problem.extensions))
    assert.ok(await isCollected(folderOf('SV001'), [...workOf('SV001'), late]))
  })
}

test('a sandbox that an interrupted up made, and never gave a workspace, goes with an empty bag', async (t) => {
  const { runtime, up, down } = await openClass(t)
  let gone = false
  runtime.before = () => {
    if (gone) throw engineGone()
  }
  runtime.after = (event) => {
    gone ||= event === 'create-container SV001'
    if (gone) throw engineGone()
  }
  await assert.rejects(up({ students: ['SV001'] }))
  gone = false
  runtime.after = () => {}
  assert.deepEqual(runtime.held(), ['container SV001 created', 'network class-os101-a', 'volume SV001'])
  assert.deepEqual(runtime.volume('SV001').things, [])
  const { state, students } = await down()
  assert.deepEqual([state, students[0]?.files, runtime.held()], ['down', 0, []])
})

test('a session of another installation in the same store is not taken for ours', async (t) => {
  const { ofClass, up, down, sessionId, record } = await openWorkedClass(t)
  const ended = await down()
  const theirs = await up({ students: pair })
  const before = await record(theirs.sessionId)
  await writeSession(ofClass.store, { ...(before ?? assert.fail('no record')), installation: 'another' })
  const { runtime } = ofClass
  // Their engine is another one.
  for (const held of [runtime.networks, runtime.containers, runtime.volumes]) held.clear()
  assert.deepEqual(await down(true), ended)
  assert.deepEqual(await record(theirs.sessionId), { ...before, installation: 'another' })
  await rm(join(ofClass.folder, 'os101-a', sessionId), { recursive: true })
  await refusal(down(true), 'class-not-up')
})

test('the progress says of each student where they are, also while the others are collected', async (t) => {
  const { up, down, runtime } = await openClass(t)
  await up({ students: pair })
  for (const studentId of pair) runtime.write(studentId, ...workOf(studentId))
  const progress = new Progress()
  const seen = new Set<string>()
  progress.onChange = () => {
    for (const { studentId, phase } of progress.view().phases) seen.add(`${studentId} ${phase}`)
  }
  runtime.before = (event) => {
    if (event === 'archive SV002') throw new RuntimeError('archive', 'The archive was cut short.')
  }
  await down(true, { progress })
  for (const phase of ['waiting', 'stopping', 'reading', 'storing', 'collected', 'removing', 'removed'])
    assert.ok(seen.has(`SV001 ${phase}`), phase)
  assert.deepEqual(progress.view().phases, [
    { studentId: 'SV001', phase: 'removed' },
    { studentId: 'SV002', phase: 'failed' },
  ])
})
