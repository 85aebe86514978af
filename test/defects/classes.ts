// Defects in up, down and collect: what goes too early, what is touched that must not be.

import type { Defect } from './defect.ts'

const downTests = ['test/src/classes/down/down-class.test.ts']
const rollBackTests = ['test/src/classes/up/roll-back.test.ts']
const collectTests = ['test/src/classes/collect-class.test.ts', 'test/src/classes/collect-class-nth-fault.proof.ts']
const sweepTests = ['test/src/classes/sweep.test.ts']
const admissionTests = ['test/src/classes/up/admission.test.ts']
const discardTests = ['test/src/classes/discard-student.test.ts']
const resetTests = ['test/src/classes/reset-student.test.ts']
const upTests = ['test/src/classes/up/up-class.test.ts']

export const classesDefects: readonly Defect[] = [
  {
    name: 'sandboxes that hang keep the other classes waiting',
    file: 'src/gate.ts',
    edits: [{ find: 'taken < places || !inside.has(group)', replace: 'taken < places' }],
    tests: ['test/src/gate.test.ts', 'test/src/classes/liveness.test.ts'],
  },
  {
    name: 'a sandbox is removed before its bag is made',
    file: 'src/classes/down/collect-student.ts',
    edits: [
      {
        find: '  const bag = await bagSandbox(',
        replace: '  await runtime.removeSandbox(id)\n  const bag = await bagSandbox(',
      },
    ],
    tests: downTests,
  },
  {
    name: 'a sandbox is removed as soon as its own bag is committed, not when all bags are',
    file: 'src/classes/down/collect-leavers.ts',
    edits: [
      {
        find: "import { bagMembers, keptStudent } from './answer.ts'\n",
        replace:
          "import { bagMembers, keptStudent } from './answer.ts'\nimport { removeCollected } from './remove-collected.ts'\n",
      },
      {
        find: "leaver.outcome = { studentId, state: 'collected'",
        replace:
          "await removeCollected(context, run, leaver.collected)\n      leaver.outcome = { studentId, state: 'collected'",
      },
    ],
    tests: downTests,
  },
  {
    name: 'without allowPartial the others go though one could not be collected',
    file: 'src/classes/down/down-class.ts',
    edits: [
      {
        find: 'if (!allowPartial) refuseUnlessAllCommitted(store, record, leavers, [])\n\n  const leaked',
        replace: 'const leaked',
      },
    ],
    tests: downTests,
  },
  {
    name: 'with allowPartial a sandbox that could not be collected is removed too',
    file: 'src/classes/down/remove-leavers.ts',
    edits: [
      {
        find: 'if (!collected) return []',
        replace: 'if (!collected) return await context.runtime.removeSandbox(sandbox?.id)',
      },
    ],
    tests: downTests,
  },
  {
    name: 'a sandbox is not looked at again before it is removed, though it may have run meanwhile',
    file: 'src/classes/down/remove-collected.ts',
    edits: [
      {
        find: 'if (now && (now.startedAt !== life.startedAt || now.finishedAt !== life.finishedAt)) {',
        replace: 'if (false) {',
      },
    ],
    tests: downTests,
  },
  {
    name: 'a sandbox is removed though the store has lost its bag meanwhile',
    file: 'src/classes/down/remove-collected.ts',
    edits: [
      {
        find: 'await confirmBag(store, collected.bag.prefix, collected.bag.manifestSha256, signal)',
        replace: 'void store',
      },
    ],
    tests: downTests,
  },
  {
    name: 'a volume is removed before its container',
    file: 'src/classes/down/remove-collected.ts',
    edits: [
      {
        find: "await removing('sandbox', runtime.removeSandbox(life.id))\n",
        replace: "if (files !== undefined) await removing('files', runtime.removeFiles(files))\n",
      },
      {
        find: "  if (files !== undefined) await removing('files', runtime.removeFiles(files))\n}",
        replace: "  await removing('sandbox', runtime.removeSandbox(life.id))\n}",
      },
    ],
    tests: downTests,
  },
  {
    name: 'the network goes while sandboxes are kept',
    file: 'src/classes/down/down-class.ts',
    edits: [{ find: 'if (!sandboxLeft && held?.network)', replace: 'if (held?.network)' }],
    tests: downTests,
  },
  {
    name: "down answers 'down' though a student is kept",
    file: 'src/classes/down/down-class.ts',
    edits: [{ find: "complete ? 'down' : 'down-partial'", replace: "'down'" }],
    tests: downTests,
  },
  {
    name: 'a session ends though a sandbox of it is kept',
    file: 'src/classes/down/down-class.ts',
    edits: [{ find: 'if (!sandboxLeft && !students.some(isUnconfirmed)) await', replace: 'await' }],
    tests: downTests,
  },
  {
    name: 'down gives out a receipt without looking at the bag again',
    file: 'src/classes/down/confirm.ts',
    edits: [{ find: 'await confirmBag(store, bag, manifestSha256, signal)', replace: '' }],
    tests: downTests,
  },
  {
    name: 'down stops sandboxes before it has recorded that it was asked for',
    file: 'src/classes/down/down-class.ts',
    edits: [{ find: 'await writeSession(store, record)', replace: 'void record' }],
    tests: downTests,
  },
  {
    name: 'a student whom another hand removed is left out of the answer',
    file: 'src/classes/down/collect-leavers.ts',
    edits: [
      { find: 'new Map(record.students.map((studentId) => [foldId(studentId), studentId]))', replace: 'new Map()' },
    ],
    tests: downTests,
  },
  {
    name: 'up begins though the store cannot be written',
    file: 'src/classes/up/up-class.ts',
    edits: [{ find: 'await store.check()', replace: '' }],
    tests: upTests,
  },
  {
    name: 'up joins a session whose down is unfinished',
    file: 'src/classes/up/session.ts',
    edits: [{ find: 'if (!record || record.down) unfinished', replace: 'if (!record) unfinished' }],
    tests: upTests,
  },
  {
    name: 'up is not recorded while it runs',
    file: 'src/classes/up/up-class.ts',
    edits: [{ find: '{ ...record, up: { ...intent, students: underWay } }', replace: 'record' }],
    tests: sweepTests,
  },
  {
    name: 'a failed up removes a sandbox that ran, without collecting it',
    file: 'src/classes/up/roll-back.ts',
    edits: [{ find: "if (now.state !== 'created') return now", replace: '' }],
    tests: rollBackTests,
  },
  {
    name: 'a failed up removes a sandbox that was there before',
    file: 'src/classes/up/roll-back.ts',
    edits: [{ find: 'if (now?.id !== undefined && now.id !== before?.id) {', replace: 'if (now?.id !== undefined) {' }],
    tests: rollBackTests,
  },
  {
    name: 'a failed up removes a volume that was there before',
    file: 'src/classes/up/roll-back.ts',
    edits: [{ find: '{ ...collected, files: leaver.sandbox.madeFiles }', replace: 'collected' }],
    tests: rollBackTests,
  },
  {
    name: 'a failed up removes the network that was there before',
    file: 'src/classes/up/roll-back.ts',
    edits: [{ find: 'if (network.created && !kept) await', replace: 'if (!kept) await' }],
    tests: rollBackTests,
  },
  {
    name: 'a sandbox stands still for ever after its snapshot',
    file: 'src/classes/down/collect-student.ts',
    edits: [{ find: 'await runtime.thaw(sandbox.id)', replace: '' }],
    tests: collectTests,
  },
  {
    name: "a snapshot is taken for the student's last word",
    file: 'src/classes/down/collect-student.ts',
    edits: [{ find: "kind: 'snapshot', container", replace: "kind: 'final', container" }],
    tests: collectTests,
  },
  {
    name: 'a committed snapshot is removed with the half ones',
    file: 'src/classes/collect-class.ts',
    edits: [
      { find: 'if (await isCommitted(store, bag)) continue', replace: '' },
      { find: 'if (keys.includes(bag + bagDeclarationKey)) continue', replace: '' },
    ],
    tests: collectTests,
  },
  {
    name: 'the half snapshot of a process that may be alive is removed',
    file: 'src/classes/collect-class.ts',
    edits: [{ find: ' && Date.now() - time.getTime() > halfSnapshotMs', replace: '' }],
    tests: collectTests,
  },
  {
    name: 'a store that denies one commit mark costs a committed snapshot',
    file: 'src/classes/collect-class.ts',
    edits: [{ find: 'if (keys.includes(bag + bagDeclarationKey)) continue', replace: '' }],
    tests: collectTests,
  },
  {
    name: 'what other classes of the subject use does not count for its quota',
    file: 'src/classes/up/admission.ts',
    edits: [{ find: 'exactCpus(used[member] + needed[member]) <= limit', replace: 'needed[member] <= limit' }],
    tests: admissionTests,
  },
  {
    name: 'two ups at once do not see each other',
    file: 'src/classes/up/reservations.ts',
    edits: [{ find: 'this.#current.add(share)', replace: '' }],
    tests: admissionTests,
  },
  {
    name: 'a sandbox is made anew before its bag is made',
    file: 'src/classes/reset-student.ts',
    edits: [
      {
        find: '    collected =\n      (await',
        replace: '    await context.runtime.removeSandbox(sandbox.id ?? "")\n    collected =\n      (await',
      },
    ],
    tests: resetTests,
  },
  {
    name: 'a reset that a crash interrupted takes the fresh sandbox for the old one',
    file: 'src/classes/reset-student.ts',
    edits: [{ find: 'id !== undefined && !filesOnly && id !== containerId', replace: 'false' }],
    tests: sweepTests,
  },
  {
    name: 'a student whose old sandbox is gone in a reset is told lost',
    file: 'src/classes/reset-student.ts',
    edits: [{ find: 'withRemovals(withoutStudent(record, studentId), [', replace: 'withRemovals(record, [' }],
    tests: resetTests,
  },
  {
    name: 'work is given up because the store does not answer',
    file: 'src/classes/outage.ts',
    edits: [
      {
        find: 'outages.find((outage) => outage === code)',
        replace: "(code === 'engine-unavailable' ? code : undefined)",
      },
    ],
    tests: discardTests,
  },
  {
    name: 'work is given up because of a fault that came once',
    file: 'src/classes/discard-student.ts',
    edits: [{ find: 'const second = await tryCollect(context, run, request)', replace: 'const second = first' }],
    tests: discardTests,
  },
  {
    name: 'work is given up because the disk of the service is full',
    file: 'src/classes/discard-student.ts',
    edits: [{ find: ' || isOfThisMachine(fault.cause)', replace: '' }],
    tests: discardTests,
  },
  {
    name: 'work is given up because somebody else is at work in the sandbox',
    file: 'src/classes/discard-student.ts',
    edits: [{ find: ", 'changed']", replace: ']' }],
    tests: discardTests,
  },
  {
    name: 'a sandbox whose bag is committed is given up because it does not go',
    file: 'src/classes/discard-student.ts',
    edits: [
      {
        find: 'await remove(context, run, record, sandbox, collected)',
        replace:
          'await remove(context, run, record, sandbox, collected).catch((error: unknown) => giveUp(context, run, { record, sandbox, reason: request.reason, fault: asCollectError(error) }))',
      },
    ],
    tests: discardTests,
  },
  {
    name: 'a file that is damaged in the store is put back',
    file: 'src/collection/restore.ts',
    edits: [{ find: "sent !== size || hash.digest('hex') !== sha256", replace: 'sent !== size' }],
    tests: ['test/src/collection/restore.test.ts'],
  },
  {
    name: 'an inventory that is taken again counts twice',
    file: 'src/operations/progress.ts',
    edits: [
      {
        find: 'Object.assign(this.#student(studentId).total, { files, bytes })',
        replace: 'const { total } = this.#student(studentId)\n    total.files += files\n    total.bytes += bytes',
      },
    ],
    tests: ['test/src/operations/progress.test.ts'],
  },
  {
    name: 'a student who could not be collected is said to be done',
    file: 'src/classes/down/collect-leavers.ts',
    edits: [{ find: "leaver.outcome.error ? 'failed' : ", replace: '' }],
    tests: downTests,
  },
]
