// Defects in the proof that work can be collected, and in what it is made with: a class begins whose work would be lost, or
// something of the proof stays.

import type { Defect } from './defect.ts'

const prove = 'src/runtime/docker/prove.ts'
const proveTests = ['test/src/runtime/docker/prove.test.ts']

export const proofDefects: readonly Defect[] = [
  {
    name: 'an up begins though what is written in sandboxes does not come out of them',
    file: 'src/classes/up/up-class.ts',
    edits: [{ find: 'if (startsAny(up)) await', replace: 'if (false) await' }],
    tests: ['test/src/classes/up/up-class.test.ts'],
  },
  {
    name: 'an up that is refused since work would be lost leaves its network and its record',
    file: 'src/classes/up/up-class.ts',
    edits: [{ find: 'if (!run.signal.aborted) await rollBack(up, network, [])', replace: '' }],
    tests: ['test/src/classes/up/up-class.test.ts'],
  },
  {
    name: 'a class that is up is refused since its runtime is set otherwise now',
    file: 'src/classes/up/up-class.ts',
    edits: [{ find: 'if (startsAny(up)) await', replace: 'await' }],
    tests: ['test/src/classes/up/up-class.test.ts'],
  },
  {
    name: 'a reset takes the old sandbox away though work in the fresh one would be lost',
    file: 'src/classes/reset-student.ts',
    edits: [{ find: '  await proveFirst(context, run, record, isOld)\n', replace: '' }],
    tests: ['test/src/classes/reset-student.test.ts'],
  },
  {
    name: 'a workspace that came out empty is a proof',
    file: prove,
    edits: [
      {
        find: "if (exitCode === 0 && (await wordIn(context, id, workspace, signal)) === 'word') return",
        replace: 'if (exitCode === 0) return',
      },
    ],
    tests: proveTests,
  },
  {
    name: 'a proof for one runtime counts for all',
    file: prove,
    edits: [{ find: 'ServerVersion, runtime, Runtimes[runtime]])', replace: 'ServerVersion])' }],
    tests: proveTests,
  },
  {
    name: 'a proof counts for a runtime that is set otherwise now',
    file: prove,
    edits: [{ find: ', runtime, Runtimes[runtime]])', replace: ', runtime])' }],
    tests: proveTests,
  },
  {
    name: 'a proof counts for ever',
    file: 'src/runtime/docker/proofs.ts',
    edits: [{ find: 'performance.now() - known.begun < lastsMs && ', replace: '' }],
    tests: proveTests,
  },
  {
    name: 'an image that nothing can be proven with is let through on every runtime',
    file: prove,
    edits: [
      { find: "const plainRuntimes = ['runc', 'crun']", replace: "const plainRuntimes = ['runc', 'crun', 'runsc']" },
    ],
    tests: proveTests,
  },
  {
    name: "another hand's volume is taken for that of the proof, with what lies in it",
    file: prove,
    edits: [{ find: 'if (Labels?.[label.session] !== plan.sessionId) {', replace: 'if (false) {' }],
    tests: proveTests,
  },
  {
    name: 'what a killed proof left stays when the class is down',
    file: 'src/runtime/docker/network.ts',
    edits: [{ find: '  if (classId) await clearProof(context, classId)\n', replace: '' }],
    tests: proveTests,
  },
  {
    name: 'a FIFO that no archive has is called a socket',
    file: 'src/classes/down/before-stop.ts',
    edits: [{ find: "found.has(path) ? 'fifo' : 'socket'", replace: "'socket'" }],
    tests: ['test/src/classes/down/down-class.test.ts'],
  },
  {
    name: 'a FIFO is named twice',
    file: 'src/collection/collect.ts',
    edits: [{ find: 'if (!(await inventory.named(thing.path))) left.push(thing)', replace: 'left.push(thing)' }],
    tests: ['test/src/classes/down/down-class.test.ts'],
  },
  {
    name: 'a lab on gVisor may have fewer processes than gVisor itself takes',
    file: 'src/catalogue/catalogue.ts',
    edits: [{ find: '    refuseTooSmall(name, lab)\n', replace: '' }],
    tests: ['test/src/catalogue/catalogue.test.ts'],
  },
  {
    name: 'a class on gVisor is said to find its classmates by name',
    file: 'src/catalogue/gvisor.ts',
    edits: [{ find: '=> !isGvisor(lab)', replace: '=> isGvisor(lab) || true' }],
    tests: ['test/src/classes/up/up-class.test.ts'],
  },
  {
    name: 'the archive of a new workspace begins with what lies in it',
    file: 'src/runtime/docker/workspace.ts',
    edits: [{ find: '  yield directory\n  for await', replace: '  for await' }],
    tests: ['test/src/runtime/docker/workspace.test.ts'],
  },
  {
    name: 'the sandbox of a proof has a network and the internet',
    file: 'src/runtime/docker/sandbox-body.ts',
    edits: [{ find: "{ ...HostConfig, NetworkMode: 'none', ", replace: '{ ...HostConfig, ' }],
    tests: ['test/src/runtime/docker/sandbox-closed.proof.ts'],
  },
]
