// Defects in what the service does by itself, and in what keeps two processes apart.

import type { Defect } from './defect.ts'

const sweepTests = ['test/src/classes/sweep.test.ts']
const leaseTests = ['test/src/operations/lease.test.ts']

export const sweepDefects: readonly Defect[] = [
  {
    name: 'the sweep takes a class down that has not expired',
    file: 'src/sessions/record.ts',
    edits: [{ find: 'return Date.now() > Math.min(', replace: 'return Date.now() < Math.min(' }],
    tests: sweepTests,
  },
  {
    name: "a lab's longest life is taken for seconds",
    file: 'src/sessions/record.ts',
    edits: [{ find: 'Number.POSITIVE_INFINITY) * 60_000', replace: 'Number.POSITIVE_INFINITY) * 1_000' }],
    tests: sweepTests,
  },
  {
    name: 'the expiry is read from the label of up, so that moving it does nothing',
    file: 'src/classes/sweep.ts',
    edits: [{ find: 'const times = record ?? held', replace: 'const times = held ?? record' }],
    tests: sweepTests,
  },
  {
    name: 'the sweep touches a session of another installation',
    file: 'src/sessions/find.ts',
    edits: [{ find: 'if (record?.installation !== installation) continue', replace: 'if (!record) continue' }],
    tests: sweepTests,
  },
  {
    name: 'an up that a crash interrupted is forgotten',
    file: 'src/classes/sweep.ts',
    edits: [{ find: "if (record?.up) return { why: 'an up was interrupted', up: record.up }", replace: '' }],
    tests: sweepTests,
  },
  {
    name: 'a collection that a crash interrupted is forgotten, and its sandboxes stand still',
    file: 'src/classes/sweep.ts',
    edits: [
      {
        find: "if (record?.collect) return { why: 'a collection was interrupted', collect: record.collect }",
        replace: '',
      },
    ],
    tests: sweepTests,
  },
  {
    name: 'a down that a crash interrupted is forgotten',
    file: 'src/classes/sweep.ts',
    edits: [{ find: "if (record?.down) return { why: 'a down was interrupted', down: record.down }", replace: '' }],
    tests: sweepTests,
  },
  {
    name: 'a class is worked on though another process holds its lease',
    file: 'src/operations/lease.ts',
    edits: [
      {
        find: 'if (text !== undefined && !this.#isFree(key, text, holder)) {',
        replace: 'if (false) {',
      },
    ],
    tests: leaseTests,
  },
  {
    name: 'a lease that a living process holds is removed as a dead one',
    file: 'src/operations/lease.ts',
    edits: [
      {
        find: 'if (!this.#isFree(key, text, await this.#describe())) return false',
        replace: '',
      },
    ],
    tests: leaseTests,
  },
  {
    name: 'a living process of another machine of the same name is taken for a dead one of this machine',
    file: 'src/operations/lease.ts',
    edits: [{ find: 'found.bootId !== undefined &&\n  found.bootId === me.bootId &&\n', replace: '' }],
    tests: leaseTests,
  },
  {
    name: 'who lost the lease goes on, and is not told',
    file: 'src/operations/lease.ts',
    edits: [{ find: "ours || lost.abort(new Error('another process took over'))", replace: 'ours' }],
    tests: leaseTests,
  },
  {
    name: 'an up that another process has finished is repeated for those who did not come up',
    file: 'src/classes/up/session.ts',
    edits: [{ find: 'seen.students.filter((studentId) => cameUp.has(foldId(studentId)))', replace: 'seen.students' }],
    tests: sweepTests,
  },
]
