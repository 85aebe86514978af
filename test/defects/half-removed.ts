// Defects in how a removal that stopped half-way is finished.

import type { Defect } from './defect.ts'

const tests = ['test/src/classes/down/finish-removal.test.ts']

export const halfRemovedDefects: readonly Defect[] = [
  {
    name: 'a removal is not in the record before it begins',
    file: 'src/classes/down/remove-leavers.ts',
    edits: [{ find: '  await writeSession(context.store, recorded)\n', replace: '' }],
    tests,
  },
  {
    name: 'what is left of a recorded removal is collected again',
    file: 'src/classes/down/finish-removal.ts',
    edits: [
      {
        find: '  if (!removal) return undefined\n  requireReachable',
        replace: '  return undefined\n  requireReachable',
      },
    ],
    tests,
  },
  {
    name: 'the others go though the store has lost the bag of what is left of one',
    file: 'src/classes/down/finish-removal.ts',
    edits: [{ find: '  await confirmBag(store, bag.prefix, bag.manifestSha256, signal)\n', replace: '' }],
    tests,
  },
  {
    name: 'a dead container that ran again since is taken for what a removal left',
    file: 'src/classes/down/finish-removal.ts',
    edits: [
      { find: '    if (startedAt !== removal.container.startedAt || ', replace: '    if (startedAt === undefined || ' },
      { find: 'finishedAt !== removal.container.finishedAt', replace: 'finishedAt === undefined' },
    ],
    tests,
  },
  {
    name: 'a removal that was refused before it began stays in the record',
    file: 'src/classes/down/remove-collected.ts',
    edits: [{ find: " && error.code !== 'running')", replace: ')' }],
    tests,
  },
  {
    name: 'a removal that did not begin stays in the record of a down',
    file: 'src/classes/down/remove-leavers.ts',
    edits: [{ find: '    leaver.isBegun = mayHaveBegun(collected, error)\n', replace: '' }],
    tests,
  },
  {
    name: 'an up gives a student half a volume for a workspace',
    file: 'src/classes/up/start-students.ts',
    edits: [{ find: '    if (stuck) throw stuck\n', replace: '' }],
    tests,
  },
  {
    name: 'a removal stays in the record when its student comes up again',
    file: 'src/classes/down/finish-removal.ts',
    edits: [{ find: '      record = withoutRemovals(record, [studentId])\n', replace: '' }],
    tests,
  },
  {
    name: 'a container that is half removed is stopped and read',
    file: 'src/classes/down/collect-student.ts',
    edits: [
      {
        find: '  if (id === undefined || !isHalfRemoved(sandbox)) return sandbox\n',
        replace: '  if (id !== undefined) return sandbox\n',
      },
    ],
    tests,
  },
  {
    name: 'half a volume takes the place of the committed bag that holds all of it',
    file: 'src/collection/collect.ts',
    edits: [{ find: '  if (!target.logsLost && extra', replace: '  if (extra' }],
    tests,
  },
  {
    name: 'what a failed up removes is not in the record before it begins',
    file: 'src/classes/up/roll-back.ts',
    edits: [
      {
        find: '  const record = begun.length > 0 ? withRemovals(up.record, begun) : up.record\n',
        replace: '  const record = up.record\n',
      },
    ],
    tests,
  },
]
