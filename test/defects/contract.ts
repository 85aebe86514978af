// Defects in the contract: answers that the document does not tell, and problems that it promises in vain.

import type { Defect } from './defect.ts'

const exampleTests = ['test/src/contract/examples.test.ts']
const problemTests = ['test/src/contract/problems.test.ts']
const rawTests = ['test/src/contract/raw-requests.test.ts']

export const contractDefects: readonly Defect[] = [
  {
    name: 'an answer has a member that nobody described',
    file: 'src/routes/classes.ts',
    edits: [{ find: 'volume: volume ?? null,', replace: 'volume: volume ?? null,\n  image: null,' }],
    tests: ['test/src/routes/classes.test.ts'],
  },
  {
    name: 'an answer lacks a member that is described',
    file: 'src/classes/extend-class.ts',
    edits: [{ find: ', latest: new Date(latest).toISOString() }', replace: ' }' }],
    tests: exampleTests,
  },
  {
    name: 'a call gives a problem that the document does not list',
    file: 'src/contract/calls.ts',
    edits: [{ find: "      'quota-exceeded',\n", replace: '' }],
    tests: problemTests,
  },
  {
    name: 'the document lists a problem that a call never gives',
    file: 'src/contract/calls.ts',
    edits: [{ find: "problems: ['not-found'],", replace: "problems: ['not-found', 'unknown-file']," }],
    tests: problemTests,
  },
  {
    name: 'an example is not what the service answers',
    file: 'src/routes/labs.ts',
    edits: [{ find: 'present: image !== undefined,', replace: 'present: image === undefined,' }],
    tests: exampleTests,
  },
  {
    name: 'a route is not in the document',
    file: 'src/contract/call.ts',
    edits: [
      { find: "if (each === 'HEAD') continue", replace: "if (each === 'HEAD' || url === '/room/labs') continue" },
    ],
    tests: ['test/src/contract/document.test.ts'],
  },
  {
    name: 'what is no HTTP gets an answer that is no problem',
    file: 'src/app.ts',
    edits: [{ find: '    clientErrorHandler: answerClientError,\n', replace: '' }],
    tests: rawTests,
  },
  {
    name: 'the page may run inline scripts',
    file: 'src/routes/docs.ts',
    edits: [{ find: '"script-src \'self\'",', replace: "\"script-src 'self' 'unsafe-inline'\"," }],
    tests: ['test/src/routes/docs.test.ts'],
  },
  {
    name: 'an unknown field reaches the class actions',
    file: 'src/routes/schemas.ts',
    edits: [{ find: 'const closed = { additionalProperties: false } as const', replace: 'const closed = {} as const' }],
    tests: problemTests,
  },
]
