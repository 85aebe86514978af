// Bugs of what a sandbox is made from and of what is told about it: walls left out, loosened for everybody, or named wrongly.

import type { Defect } from './defect.ts'

const body = 'src/runtime/sandbox-body.ts'
const bodyTests = ['test/src/runtime/sandbox-body.test.ts', 'test/src/runtime/sandbox-closed.test.ts']

export const sandboxDefects: readonly Defect[] = [
  {
    name: 'a sandbox keeps the capabilities that an engine gives unasked',
    file: body,
    edits: [{ find: "      CapDrop: ['ALL'],\n", replace: '' }],
    tests: bodyTests,
  },
  {
    name: 'a sandbox may swap, so that its memory has no limit',
    file: body,
    edits: [{ find: 'MemorySwap: lab.memoryMb * mebibyte', replace: 'MemorySwap: -1' }],
    tests: bodyTests,
  },
  {
    name: 'a lab with a writable root has no limit of processes',
    file: body,
    edits: [{ find: 'PidsLimit: lab.pids', replace: 'PidsLimit: lab.writableRoot === true ? 0 : lab.pids' }],
    tests: ['test/src/runtime/sandbox-closed.test.ts'],
  },
  {
    name: 'an environment variable of a lab makes its sandbox privileged',
    file: body,
    edits: [{ find: 'Privileged: false', replace: "Privileged: lab.env?.['PATH'] !== undefined" }],
    tests: ['test/src/runtime/sandbox-closed.test.ts'],
  },
  {
    name: 'a capability of a lab is added to those of the engine',
    file: body,
    edits: [{ find: '{ CapAdd: capabilities }', replace: '{ CapAdd: capabilities, CapDrop: [] }' }],
    tests: bodyTests,
  },
  {
    name: 'every capability is on the short list',
    file: 'src/catalogue-schema.ts',
    edits: [
      { find: 'Type.Array(Capability, { minItems: 1, uniqueItems: true })', replace: 'Type.Array(Type.String())' },
    ],
    tests: ['test/src/catalogue.test.ts'],
  },
  {
    name: 'a network leads out whatever the lab says',
    file: body,
    edits: [{ find: 'Internal: internal', replace: 'Internal: false' }],
    tests: bodyTests,
  },
  {
    name: 'the host has an address in every network, and every sandbox reaches it',
    file: body,
    edits: [{ find: "{ Options: { [hostlessOption]: 'true' } }", replace: '{}' }],
    tests: bodyTests,
  },
  {
    name: 'sandboxes are said to be kept from a host that is in their network',
    file: 'src/runtime/isolation.ts',
    edits: [{ find: "internal && !hasHost ? 'blocked'", replace: "internal ? 'blocked'" }],
    tests: ['test/src/runtime/isolation.test.ts'],
  },
  {
    name: 'an up begins though the engine lacks the runtime of the lab',
    file: 'src/classes/admission.ts',
    edits: [{ find: '  refuseMissingRuntime,\n', replace: '' }],
    tests: ['test/src/classes/up-class.test.ts'],
  },
]
