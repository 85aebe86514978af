// Defects in what a session belongs to: its store, its engine, its place among the sessions of its class, the class's name.

import type { Defect } from './defect.ts'

const placeTests = ['test/src/classes/another-place.test.ts']
const orderTests = ['test/src/sessions/find.test.ts']

export const placeDefects: readonly Defect[] = [
  {
    name: 'a class of another store is collected into this one',
    file: 'src/sessions/held.ts',
    edits: [{ find: '  if (otherStore) throw otherStore\n  return undefined\n', replace: '  return undefined\n' }],
    tests: placeTests,
  },
  {
    name: 'a session without a label is taken for one of this store',
    file: 'src/sessions/store-identity.ts',
    edits: [
      { find: 'return held.store?.id === here.id ?', replace: 'return (held.store?.id ?? here.id) === here.id ?' },
    ],
    tests: placeTests,
  },
  {
    name: 'the sweep tries to take a class of another store down',
    file: 'src/classes/sweep.ts',
    edits: [{ find: '    if (found.isForeign) return undefined\n', replace: '' }],
    tests: placeTests,
  },
  {
    name: 'a class of another engine is called lost',
    file: 'src/classes/down/down-class.ts',
    edits: [
      { find: '  if (!held && record && isElsewhere(record, engine)) throw engineChanged(record)\n', replace: '' },
    ],
    tests: placeTests,
  },
  {
    name: 'a session id is the time of a clock that was put right',
    file: 'src/classes/up/session.ts',
    edits: [{ find: 'newSessionId(now, newest)', replace: 'newSessionId(now)' }],
    tests: orderTests,
  },
  {
    name: 'an ended session goes before one that is open',
    file: 'src/sessions/find.ts',
    edits: [
      {
        find: '      if (!record.ended && !isElsewhere(record, engine)) return record\n',
        replace: '      return record\n',
      },
    ],
    tests: orderTests,
  },
  {
    name: 'sessions of a class that was written in another case are not found',
    file: 'src/sessions/find.ts',
    edits: [{ find: 'return [classId, ...others]', replace: 'return [classId, ...others.slice(others.length)]' }],
    tests: orderTests,
  },
  {
    name: 'two spellings of a class have a lease each',
    file: 'src/operations/lease.ts',
    edits: [{ find: 'classPrefix(foldId(classId))', replace: 'classPrefix(classId)' }],
    tests: orderTests,
  },
  {
    name: 'the engine of a copied host is taken for the same one',
    file: 'src/runtime/docker/identity.ts',
    edits: [{ find: '[ID, Name, DockerRootDir]', replace: '[ID]' }],
    tests: ['test/src/runtime/docker/identity.test.ts'],
  },
]
