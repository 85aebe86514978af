// Defects in the contract: answers that the document does not tell, and problems that it promises in vain.

import type { Defect } from './defect.ts'

const exampleTests = ['test/src/http/openapi/examples.test.ts']
const problemTests = ['test/src/http/openapi/problems.test.ts']
const rawTests = ['test/src/http/openapi/raw-requests.test.ts']

export const contractDefects: readonly Defect[] = [
  {
    name: 'an answer has a member that nobody described',
    file: 'src/http/sandbox-state.ts',
    edits: [{ find: 'volume: files ?? null,', replace: 'volume: files ?? null,\n  image: null,' }],
    tests: ['test/src/http/class-state.test.ts'],
  },
  {
    name: 'an answer lacks a member that is described',
    file: 'src/classes/extend-class.ts',
    edits: [{ find: ', latest: new Date(latest).toISOString() }', replace: ' }' }],
    tests: exampleTests,
  },
  {
    name: 'a call gives a problem that the document does not list',
    file: 'src/http/calls/up-class.ts',
    edits: [{ find: "    'quota-exceeded',\n", replace: '' }],
    tests: problemTests,
  },
  {
    name: 'the document lists a problem that a call never gives',
    file: 'src/http/calls/docs-asset.ts',
    edits: [{ find: "problems: ['not-found'],", replace: "problems: ['not-found', 'unknown-file']," }],
    tests: problemTests,
  },
  {
    name: 'an example is not what the service answers',
    file: 'src/http/calls/list-labs.ts',
    edits: [{ find: 'present: image !== undefined,', replace: 'present: image === undefined,' }],
    tests: exampleTests,
  },
  {
    name: 'a call is not in the document',
    file: 'src/http/openapi/document.ts',
    edits: [{ find: 'calls.filter(({ everyMethod }) => !everyMethod)', replace: 'calls.slice(1)' }],
    tests: ['test/src/http/openapi/document.test.ts'],
  },
  {
    name: 'what is no HTTP gets an answer that is no problem',
    file: 'src/app.ts',
    edits: [{ find: '    clientErrorHandler: answerClientError,\n', replace: '' }],
    tests: rawTests,
  },
  {
    name: 'what is no HTTP is answered behind an answer that has closed the connection',
    file: 'src/http/errors.ts',
    edits: [
      {
        find: 'if (last?.headersSent && !(last.writableFinished && last.shouldKeepAlive)) {',
        replace: 'if (last === null) {',
      },
    ],
    tests: rawTests,
  },
  {
    name: 'the page may run inline scripts',
    file: 'src/http/calls/docs.ts',
    edits: [{ find: '"script-src \'self\'",', replace: "\"script-src 'self' 'unsafe-inline'\"," }],
    tests: ['test/src/http/calls/docs.test.ts'],
  },
  {
    name: 'an unknown field reaches the class actions',
    file: 'src/http/schemas.ts',
    edits: [{ find: 'closed = { additionalProperties: false } as const', replace: 'closed = {} as const' }],
    tests: problemTests,
  },
  {
    name: 'a route that is no call is let in',
    file: 'src/http/register-calls.ts',
    edits: [{ find: 'if (!config?.call)', replace: 'if (!method)' }],
    tests: ['test/src/http/register-calls.test.ts'],
  },
]
