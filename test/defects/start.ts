// Defects in what a start believes: its environment, its catalogue, the lease that it finds, a store that is not there yet.

import type { Defect } from './defect.ts'

const configTests = ['test/src/config.test.ts']
const catalogueTests = ['test/src/catalogue/catalogue.test.ts']
const jsonTests = ['test/src/catalogue/strict-json.test.ts']
const leaseTests = ['test/src/operations/lease.test.ts']

export const startDefects: readonly Defect[] = [
  {
    name: 'keys without an endpoint mean the folder',
    file: 'src/config/store.ts',
    edits: [{ find: 'if (half === undefined) return', replace: 'return' }],
    tests: configTests,
  },
  {
    name: 'a folder beside MinIO is ignored',
    file: 'src/config/store.ts',
    edits: [{ find: '  if (folder !== undefined) {', replace: '  if (folder === endpoint) {' }],
    tests: configTests,
  },
  {
    name: 'a misspelt setting is ignored',
    file: 'src/config.ts',
    edits: [{ find: '  refuseMisspelt(env, get)\n', replace: '' }],
    tests: configTests,
  },
  {
    name: 'a setting of the MinIO server is taken for a misspelt one of ours',
    file: 'src/config/misspelt.ts',
    edits: [{ find: ' || ofMinio.test(name)) continue', replace: ') continue' }],
    tests: configTests,
  },
  {
    name: 'the middlewares of a Traefik that is not named are ignored',
    file: 'src/config.ts',
    edits: [
      { find: 'container === undefined && half !== undefined', replace: 'container === half && half !== undefined' },
    ],
    tests: configTests,
  },
  {
    name: 'the start’s log shows what stands in a URL beside its host',
    file: 'src/start-facts.ts',
    edits: [{ find: ".replace(/[?#].*$/s, '')", replace: '' }],
    tests: configTests,
  },
  {
    name: 'of a name that stands twice the last counts',
    file: 'src/catalogue/strict-json.ts',
    edits: [{ find: 'if (first !== undefined) {', replace: 'if (first === -1) {' }],
    tests: [...jsonTests, ...catalogueTests],
  },
  {
    name: 'names are compared as they are written, not as what they mean',
    file: 'src/catalogue/strict-json.ts',
    edits: [{ find: 'return plain ? this', replace: 'return plain || true ? this' }],
    tests: jsonTests,
  },
  {
    name: 'what is nested without end ends the call stack',
    file: 'src/catalogue/strict-json.ts',
    edits: [{ find: 'const deepest = 100\n', replace: 'const deepest = 1e9\n' }],
    tests: jsonTests,
  },
  {
    name: 'a byte order mark is a fault of the file',
    file: 'src/catalogue/catalogue.ts',
    edits: [{ find: "withMark.replace(/^\\uFEFF/, '')", replace: 'withMark' }],
    tests: catalogueTests,
  },
  {
    name: 'a byte that is no UTF-8 becomes another character in silence',
    file: 'src/catalogue/text.ts',
    edits: [{ find: 'fatal: true', replace: 'fatal: false' }],
    tests: catalogueTests,
  },
  {
    name: 'a misspelt key is told as the one that is missing',
    file: 'src/catalogue/faults.ts',
    edits: [
      {
        find: 'if (error.type === ValueErrorType.ObjectAdditionalProperties) return',
        replace: 'if (error === first && error.type === ValueErrorType.ObjectAdditionalProperties) return',
      },
    ],
    tests: catalogueTests,
  },
  {
    name: 'a message shows the environment of a lab',
    file: 'src/catalogue/faults.ts',
    edits: [{ find: 'value.length > 60 || /^', replace: 'value.length > 60 && /^' }],
    tests: catalogueTests,
  },
  {
    name: 'a lab that is not there is one that the subject does not allow',
    file: 'src/catalogue/catalogue.ts',
    edits: [{ find: "'lab', entry.lab, labs)", replace: "'lab', entry.lab, { [entry.lab]: 1 })" }],
    tests: catalogueTests,
  },
  {
    name: 'what cannot be seen stays unseen',
    file: 'src/spelling.ts',
    edits: [{ find: '\\p{Default_Ignorable_Code_Point}', replace: '' }],
    tests: ['test/src/spelling.test.ts'],
  },
  {
    name: 'a killed process that nobody reaped holds its lease',
    file: 'src/operations/lease.ts',
    edits: [{ find: "if (facts.state === 'Z' || facts.state === 'X') return false", replace: '' }],
    tests: leaseTests,
  },
  {
    name: 'another process with the number of a dead holder holds its lease',
    file: 'src/operations/lease.ts',
    edits: [{ find: 'return startTime === undefined || startTime === facts.startTime', replace: 'return true' }],
    tests: leaseTests,
  },
  {
    name: 'a lease of the version before is that of a dead process',
    file: 'src/operations/lease.ts',
    edits: [{ find: 'return startTime === undefined || startTime === facts', replace: 'return startTime === facts' }],
    tests: leaseTests,
  },
  {
    name: 'the sweep reports a bucket that is being made',
    file: 'src/classes/sweep.ts',
    edits: [
      { find: "error.code === 'no-bucket') return undefined", replace: "error.code === 'full') return undefined" },
    ],
    tests: ['test/src/classes/sweep.test.ts'],
  },
  {
    name: 'the sweep remembers a bucket that was being made as an empty one',
    file: 'src/classes/sweep.ts',
    edits: [
      {
        find: 'if (folders === undefined) return []',
        replace: 'if (folders === undefined) return (this.#unsettled = new Map()).values()',
      },
    ],
    tests: ['test/src/classes/sweep.test.ts'],
  },
  {
    name: 'a store that is away is a fault of each student',
    file: 'src/classes/outage.ts',
    edits: [{ find: 'if (outage && first) return', replace: 'if (outage && !first) return' }],
    tests: ['test/src/classes/down/down-class.test.ts', 'test/src/classes/collect-class.test.ts'],
  },
  {
    name: 'a store that is away hides what else is wrong',
    file: 'src/classes/outage.ts',
    edits: [{ find: 'failed.every(', replace: 'failed.some(' }],
    tests: ['test/src/classes/down/down-class.test.ts'],
  },
  {
    name: 'a program that is not in the image is not named while the engine starts it again and again',
    file: 'src/runtime/docker/ready.ts',
    edits: [{ find: 'seen && (await betweenTwoLives(seen))', replace: 'seen' }],
    tests: ['test/src/runtime/docker/ready.test.ts'],
  },
  {
    name: 'a program that was started again counts as one that has lived since',
    file: 'src/runtime/docker/ready.ts',
    edits: [{ find: 'RestartCount === 0 ?', replace: 'RestartCount >= 0 ?' }],
    tests: ['test/src/runtime/docker/ready.test.ts'],
  },
]
