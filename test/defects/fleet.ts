// Defects of several nodes: who is on a silent one is taken for gone, placed twice or placed wrongly.

import type { Defect } from './defect.ts'

const classTests = ['test/src/classes/fleet.test.ts']
const runtimeTests = ['test/src/runtime/fleet/runtime.test.ts']
const placeTests = ['test/src/runtime/fleet/place.test.ts']
const dockerTests = ['test/src/runtime/docker/overlay.test.ts']

export const fleetDefects: readonly Defect[] = [
  {
    name: 'who is placed on a node that was never heard is taken for gone',
    file: 'src/runtime/fleet/survey.ts',
    edits: [{ find: 'if (canBeAsked || ', replace: 'if (true || ' }],
    tests: classTests,
  },
  {
    name: 'a silent node is taken for one that has nothing',
    file: 'src/runtime/fleet/node.ts',
    edits: [{ find: 'if (!this.#fault) return sessions', replace: 'if (this.#fault) return []' }],
    tests: classTests,
  },
  {
    name: 'what a silent node may have counts as gone',
    file: 'src/runtime/fleet/runtime.ts',
    edits: [{ find: 'if (!found && silent?.fault) throw silent.fault', replace: '' }],
    tests: runtimeTests,
  },
  {
    name: 'work on a silent node is given up',
    file: 'src/classes/outage.ts',
    edits: [{ find: "code === 'engine-unreachable' ? 'engine-unavailable' : ", replace: '' }],
    tests: classTests,
  },
  {
    name: 'a removal on a node that fell silent is forgotten',
    file: 'src/classes/down/finish-removal.ts',
    edits: [{ find: ' && !isUnreachable(sandbox)', replace: '' }],
    tests: classTests,
  },
  {
    name: 'an engine at the address of a node is believed to be that node',
    file: 'src/runtime/fleet/node.ts',
    edits: [{ find: 'if (id !== this.#member.id) throw', replace: 'if (id === undefined) throw' }],
    tests: runtimeTests,
  },
  {
    name: 'a class goes to a node that has not the memory for all of it',
    file: 'src/runtime/fleet/place.ts',
    edits: [{ find: 'freeMb >= unplaced.length * memoryMb', replace: 'freeMb >= memoryMb' }],
    tests: placeTests,
  },
  {
    name: 'a drained node gets new sandboxes',
    file: 'src/runtime/fleet/state.ts',
    edits: [{ find: " && availability === 'active'", replace: '' }],
    tests: runtimeTests,
  },
  {
    name: 'who is where is not recorded before it is made',
    file: 'src/classes/up/up-class.ts',
    edits: [{ find: 'findings.placement.nodes', replace: 'new Map()' }],
    tests: classTests,
  },
  {
    name: 'a silent node takes the routes of its sandboxes away',
    file: 'src/runtime/fleet/node.ts',
    edits: [{ find: 'server: hadRoute ? sandbox.server : undefined', replace: 'server: undefined' }],
    tests: classTests,
  },
  {
    name: 'routes are told without those of a node that was never heard',
    file: 'src/traefik/traefik.ts',
    edits: [{ find: 'requireHeard(await this.#present())', replace: 'await this.#present()' }],
    tests: classTests,
  },
  {
    name: 'a sandbox that is frozen on a silent node is forgotten',
    file: 'src/classes/collect-class.ts',
    edits: [{ find: '  if (session?.sandboxes.some(isUnreachable)) return\n', replace: '' }],
    tests: classTests,
  },
  {
    name: 'work begins on a node where nobody knows whether it can be collected',
    file: 'src/runtime/fleet/start.ts',
    edits: [{ find: '  if (!isProven) return', replace: '  if (false) return' }],
    tests: runtimeTests,
  },
  {
    name: 'what an engine that died has left stopped stays so',
    file: 'src/runtime/fleet/node.ts',
    edits: [{ find: 'if (classId === undefined && this.#mayHaveDied)', replace: 'if (false)' }],
    tests: runtimeTests,
  },
  {
    name: 'what another hand stopped is started again at each look',
    file: 'src/runtime/fleet/node.ts',
    edits: [{ find: '    this.#mayHaveDied = false\n', replace: '' }],
    tests: runtimeTests,
  },
  {
    name: 'a sandbox that was stopped for good is started again',
    file: 'src/runtime/docker/revive.ts',
    edits: [{ find: "container.HostConfig.RestartPolicy?.Name === 'unless-stopped' && ", replace: '' }],
    tests: dockerTests,
  },
  {
    name: 'an overlay that is never allocated is taken for a network',
    file: 'src/runtime/docker/overlay.ts',
    edits: [{ find: 'if (Driver !== ', replace: 'if (true || Driver !== ' }],
    tests: dockerTests,
  },
  {
    name: 'a network that a Swarm has removed is opened for a class',
    file: 'src/runtime/docker/network.ts',
    edits: [{ find: '.then(() => true, isRemovedNetwork)', replace: '.then(() => true)' }],
    tests: dockerTests,
  },
  {
    name: 'a sandbox that was never started in its overlay is called detached',
    file: 'src/runtime/docker/survey.ts',
    edits: [{ find: " ?? attached[network?.id ?? '']", replace: '' }],
    tests: dockerTests,
  },
  {
    name: 'what was given up with its node is its student’s again when the node is back',
    file: 'src/runtime/fleet/survey.ts',
    edits: [
      {
        find: 'if (isGivenUp(seats, node.member.id, sandbox.studentId)) node.disown(sandbox)\n        else ',
        replace: '',
      },
    ],
    tests: ['test/src/classes/fleet.test.ts'],
  },
  {
    name: 'a name of files that were given up leads to the lost node',
    file: 'src/runtime/fleet/survey.ts',
    edits: [{ find: 'node.disown(sandbox)', replace: 'continue' }],
    tests: ['test/src/classes/fleet.test.ts'],
  },
  {
    name: 'a student who was placed on the node again is not theirs there',
    file: 'src/runtime/fleet/given-up.ts',
    edits: [{ find: ' && findSeat(seats, studentId)?.node !== nodeId', replace: '' }],
    tests: ['test/src/runtime/fleet/given-up.test.ts'],
  },
  {
    name: 'a node that can be asked is taken for lost by an admin’s word',
    file: 'src/classes/give-up-lost-node.ts',
    edits: [{ find: 'if (!isUnreachable(found.sandbox)) {', replace: 'if (found.sandbox.studentId === undefined) {' }],
    tests: ['test/src/classes/fleet.test.ts'],
  },
  {
    name: 'whose node was given up is placed on it again',
    file: 'src/runtime/seats.ts',
    edits: [
      { find: 'sameId(seat.studentId, studentId) && !seat.givenUp', replace: 'sameId(seat.studentId, studentId)' },
    ],
    tests: ['test/src/classes/fleet.test.ts'],
  },
]
