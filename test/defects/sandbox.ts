// Bugs of what a sandbox is made from and of what is told about it: walls left out, loosened for everybody, or named wrongly.

import type { Defect } from './defect.ts'

const body = 'src/runtime/docker/sandbox-body.ts'
const bodyTests = ['test/src/runtime/docker/sandbox-body.test.ts', 'test/src/runtime/docker/sandbox-closed.proof.ts']

export const sandboxDefects: readonly Defect[] = [
  {
    name: 'what a start of a dead process left running gets its contents again',
    file: 'src/runtime/docker/start.ts',
    edits: [
      {
        find: "held.state !== 'created' || !neverRan(await context.engine.containers.inspect(held.id))",
        replace: "held.state !== 'created'",
      },
    ],
    tests: ['test/src/runtime/docker/start.test.ts'],
  },
  {
    name: 'a sandbox keeps the capabilities that an engine gives unasked',
    file: body,
    edits: [{ find: "      CapDrop: ['ALL'],\n      ...privileges(lab)", replace: '      ...privileges(lab)' }],
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
    tests: ['test/src/runtime/docker/sandbox-closed.proof.ts'],
  },
  {
    name: 'an environment variable of a lab makes its sandbox privileged',
    file: body,
    edits: [
      {
        find: "IpcMode: 'private',\n      AutoRemove: false,\n      Privileged: false",
        replace: "IpcMode: 'private',\n      AutoRemove: false,\n      Privileged: lab.env?.['PATH'] !== undefined",
      },
    ],
    tests: ['test/src/runtime/docker/sandbox-closed.proof.ts'],
  },
  {
    name: 'a capability of a lab is added to those of the engine',
    file: body,
    edits: [{ find: '{ CapAdd: capabilities }', replace: '{ CapAdd: capabilities, CapDrop: [] }' }],
    tests: bodyTests,
  },
  {
    name: 'every capability is on the short list',
    file: 'src/catalogue/schema.ts',
    edits: [
      { find: 'Type.Array(Capability, { minItems: 1, uniqueItems: true })', replace: 'Type.Array(Type.String())' },
    ],
    tests: ['test/src/catalogue/catalogue.test.ts'],
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
    edits: [
      { find: "internal && !hasHost && !rawPackets ? 'blocked'", replace: "internal && !rawPackets ? 'blocked'" },
    ],
    tests: ['test/src/runtime/isolation.test.ts'],
  },
  {
    name: 'an up begins though the engine lacks the runtime of the lab',
    file: 'src/classes/up/admission.ts',
    edits: [{ find: '  refuseMissingRuntime,\n', replace: '' }],
    tests: ['test/src/classes/up/up-class.test.ts'],
  },
  {
    name: 'a host is called out of reach of who makes packets by hand',
    file: 'src/runtime/isolation.ts',
    edits: [{ find: "!hasHost && !rawPackets ? 'blocked'", replace: "!hasHost ? 'blocked'" }],
    tests: ['test/src/runtime/isolation.test.ts'],
  },
  {
    name: 'a network that does not say so is taken for one without packets made by hand',
    file: 'src/runtime/docker/survey.ts',
    edits: [{ find: "[label.rawPackets] !== 'false'", replace: "[label.rawPackets] === 'true'" }],
    tests: ['test/src/runtime/docker/survey.test.ts'],
  },
  {
    name: 'the engine deals addresses anew at each start',
    file: body,
    edits: [{ find: 'endpointSettings(address) }', replace: '{} }' }],
    tests: bodyTests,
  },
  {
    name: 'whoever is attached may get the address of a stopped sandbox',
    file: body,
    edits: [{ find: 'plan.seats ? addressPlan(subnet) : { Subnet: subnet }', replace: '{ Subnet: subnet }' }],
    tests: bodyTests,
  },
  {
    name: 'the first address for those without a seat becomes the gateway',
    file: 'src/runtime/docker/subnets.ts',
    edits: [{ find: '    Gateway: formatAddress(first + 1),\n', replace: '' }],
    tests: ['test/src/runtime/docker/subnets.test.ts'],
  },
  {
    name: 'the last seat is in the block of those without one',
    file: 'src/runtime/docker/subnets.ts',
    edits: [{ find: 'firstSeatOffset - sharedSize(subnetSize)', replace: 'firstSeatOffset - 1' }],
    tests: ['test/src/runtime/docker/subnets.test.ts'],
  },
  {
    name: 'a sandbox whose network was pruned is started without one',
    file: 'src/runtime/docker/start.ts',
    edits: [{ find: 'held.isDetached &&', replace: 'false &&' }],
    tests: ['test/src/runtime/docker/start.test.ts'],
  },
  {
    name: 'a network of the same name is taken for the one that a sandbox was in',
    file: 'src/runtime/docker/survey.ts',
    edits: [{ find: 'if (!network || !place) return true', replace: 'if (place) return false' }],
    tests: ['test/src/runtime/docker/survey.test.ts'],
  },
  {
    name: 'the seat of a student without a sandbox is not counted',
    file: 'src/classes/up/admission.ts',
    edits: [{ find: '...seated, ', replace: '' }],
    tests: ['test/src/classes/up/up-class.test.ts'],
  },
  {
    name: 'a Traefik in a network that is gone is left there, and cannot start',
    file: 'src/runtime/docker/network.ts',
    edits: [{ find: '  if (State.Running) return\n', replace: '  if (!State.Running) return\n' }],
    tests: ['test/src/runtime/docker/network.test.ts'],
  },
  {
    name: 'a sandbox that waits for its next start is taken for one that runs, and its exit code is kept back',
    file: 'src/runtime/docker/life.ts',
    edits: [{ find: 'State.Running && !State.Restarting', replace: 'State.Running' }],
    tests: ['test/src/runtime/docker/life.test.ts'],
  },
  {
    name: 'a look at how a sandbox has lived waits for its archive',
    file: 'src/runtime/docker/life.ts',
    edits: [{ find: 'AbortSignal.timeout(inspectMs)', replace: 'AbortSignal.timeout(30 * inspectMs)' }],
    tests: ['test/src/runtime/docker/life.test.ts'],
  },
  {
    name: 'a student’s state is refused while the engine does not say how the sandbox has lived',
    file: 'src/http/calls/get-student.ts',
    edits: [{ find: 'runtime.lifeOf(sandbox.id).catch(notSaid)', replace: 'runtime.lifeOf(sandbox.id)' }],
    tests: ['test/src/http/calls/get-student.test.ts'],
  },
]
