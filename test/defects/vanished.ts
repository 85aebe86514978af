// Defects in what is said of sandboxes that another hand removed.

import type { Defect } from './defect.ts'

const vanishedTests = ['test/src/classes/vanished.test.ts']
const routeTests = ['test/src/http/class-state.test.ts']

export const vanishedDefects: readonly Defect[] = [
  {
    name: 'a lost student’s snapshot is not named',
    file: 'src/classes/down/collect-leavers.ts',
    edits: [
      {
        find: 'const copy = await findLastCopy(context, run, record, studentId)',
        replace: 'const copy = undefined',
      },
    ],
    tests: vanishedTests,
  },
  {
    name: 'a damaged snapshot is named as the last copy',
    file: 'src/classes/last-copy.ts',
    edits: [{ find: '      await confirmBag(store, prefix, bag.manifestSha256, signal)\n', replace: '' }],
    tests: vanishedTests,
  },
  {
    name: 'the oldest snapshot is named as the last copy',
    file: 'src/bag/find.ts',
    edits: [{ find: 'snapshots.sort().reverse()', replace: 'snapshots.sort()' }],
    tests: vanishedTests,
  },
  {
    name: 'a snapshot is taken for the last copy before its commit mark is there',
    file: 'src/classes/last-copy.ts',
    edits: [
      { find: '    if ((await store.stat(prefix + bagDeclarationKey, signal)) === undefined) continue\n', replace: '' },
      { find: '      await confirmBag(store, prefix, bag.manifestSha256, signal)\n', replace: '' },
    ],
    tests: vanishedTests,
  },
  {
    name: 'an up gives an empty workspace without a word',
    file: 'src/classes/up/start-students.ts',
    edits: [{ find: '      ...(vanished ? { vanished } : {}),\n', replace: '' }],
    tests: vanishedTests,
  },
  {
    name: 'a down does not tell that an earlier sandbox vanished',
    file: 'src/classes/down/answer.ts',
    edits: [{ find: ', ...vanishedMember(record, student.studentId) }', replace: ' }' }],
    tests: vanishedTests,
  },
  {
    name: 'an up that was interrupted forgets who had vanished',
    file: 'src/classes/vanished.ts',
    edits: [{ find: 'noted.filter((each) => each.at === at)', replace: 'fresh' }],
    tests: vanishedTests,
  },
  {
    name: 'a collection passes over who is missing',
    file: 'src/classes/collect-class.ts',
    edits: [
      {
        find: '...gone.map(absentSandbox)',
        replace: '...gone.slice(gone.length).map(absentSandbox)',
      },
    ],
    tests: vanishedTests,
  },
  {
    name: 'a class counts only those whom the engine holds',
    file: 'src/sessions/remembered.ts',
    edits: [{ find: 'const expected = down ?', replace: 'const expected = down || students ?' }],
    tests: routeTests,
  },
  {
    name: 'those of an up that has not ended do not count',
    file: 'src/sessions/remembered.ts',
    edits: [{ find: ', ...(up?.students ?? [])', replace: '' }],
    tests: routeTests,
  },
  {
    name: 'whom a down has let go is called missing',
    file: 'src/sessions/remembered.ts',
    edits: [{ find: 'const expected = down ?', replace: 'const expected = down && false ?' }],
    tests: routeTests,
  },
  {
    name: 'an up begins anew where all of the running session was removed',
    file: 'src/classes/up/earlier-sessions.ts',
    edits: [{ find: 'isHere && !isHeld && open.students', replace: 'isHere && isHeld && open.students' }],
    tests: vanishedTests,
  },
  {
    name: 'an up joins a session that may be on another engine',
    file: 'src/classes/up/earlier-sessions.ts',
    edits: [{ find: 'engine !== undefined && open?.engine === engine', replace: 'open !== undefined' }],
    tests: vanishedTests,
  },
  {
    name: 'an up joins a session that was removed whole and has expired',
    file: 'src/classes/up/session.ts',
    edits: [{ find: 'vanished.down || isExpired(vanished)', replace: 'vanished.down' }],
    tests: vanishedTests,
  },
]
