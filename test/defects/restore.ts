// Bugs of the way back: work that is not put back, or taken away for a bag that cannot be, and of who a sandbox runs as.

import type { Defect } from './defect.ts'

const resetTests = ['test/src/classes/reset-student.test.ts']
const uidTests = ['test/src/classes/up/uids.test.ts']

export const restoreDefects: readonly Defect[] = [
  {
    name: 'a line of a bag’s record ends where a name has U+2028',
    file: 'src/bag/lines.ts',
    edits: [{ find: ".split('\\n')", replace: '.split(/\\n|\\u2028/)' }],
    tests: ['test/src/classes/restored-tree.test.ts'],
  },
  {
    name: 'the second name of a symbolic link does not come back',
    file: 'src/collection/restore.ts',
    edits: [{ find: 'if (ofFirst) yield { thing, target: ofFirst }', replace: '' }],
    tests: ['test/src/classes/restored-tree.test.ts'],
  },
  {
    name: 'files come back with the numbers of the engine’s host',
    file: 'src/collection/restore.ts',
    edits: [{ find: 'ownerOf = ownersIn(thing, student)', replace: 'ownerOf = (own) => own' }],
    tests: ['test/src/collection/restore.test.ts'],
  },
  {
    name: 'a bag is not tried out before the old sandbox goes',
    file: 'src/classes/reset-student.ts',
    edits: [{ find: 'isOldThere ? tryOut : nameUnrestored', replace: 'nameUnrestored' }],
    tests: resetTests,
  },
  {
    name: 'a restore that fails leaves the student without what was there before',
    file: 'src/classes/reset-student.ts',
    edits: [{ find: 'isFree && restore !== null', replace: 'restore === undefined' }],
    tests: resetTests,
  },
  {
    name: 'what an interrupted reset collected is forgotten',
    file: 'src/classes/reset-student.ts',
    edits: [
      { find: '{ ...intent, before: collected.bag.collectionId }', replace: 'intent' },
      { find: 'reset: now }', replace: 'reset: intent }' },
    ],
    tests: resetTests,
  },
  {
    name: 'two ups at once give the same uids',
    file: 'src/classes/up/uids.ts',
    edits: [{ find: '...reserved.flatMap(({ seats = [] }) => seats.flatMap(({ uid }) => uid ?? [])),', replace: '' }],
    tests: uidTests,
  },
  {
    name: 'every class begins with the same uid',
    file: 'src/classes/up/uids.ts',
    edits: [{ find: '...running.flatMap(({ seats = [] }) => seats.flatMap(({ uid }) => uid ?? [])),', replace: '' }],
    tests: uidTests,
  },
]
