// Defects in what callers and operators are told.

import type { Defect } from './defect.ts'

const sessionTests = ['test/src/http/calls/get-session.test.ts']
const eventTests = ['test/src/http/event-stream.test.ts', 'test/src/http/calls/watch-operation.test.ts']
const metricsTests = ['test/src/http/calls/metrics.test.ts']

export const routesDefects: readonly Defect[] = [
  {
    name: 'a bag is looked for although nobody knows its class',
    file: 'src/http/from-store.ts',
    edits: [{ find: 'await canonicalClassId(asked.classId)', replace: 'asked.classId' }],
    tests: sessionTests,
  },
  {
    name: 'a class that left the catalogue is spelled as the caller does',
    file: 'src/sessions/class-id.ts',
    edits: [{ find: 'if (kept !== undefined) return kept', replace: 'if (kept !== undefined) return classId' }],
    tests: sessionTests,
  },
  {
    name: "the events of an operation outlive their caller's token",
    file: 'src/http/event-stream.ts',
    edits: [{ find: 'Math.min(until - Date.now(), longestTimerMs)', replace: 'longestTimerMs' }],
    tests: eventTests,
  },
  {
    name: 'every change of an operation is an event',
    file: 'src/http/event-stream.ts',
    edits: [{ find: ' || (running && this.#gap)', replace: '' }],
    tests: eventTests,
  },
  {
    name: 'the end of an operation waits for its turn',
    file: 'src/http/event-stream.ts',
    edits: [{ find: '(running && this.#gap)', replace: 'this.#gap' }],
    tests: eventTests,
  },
  {
    name: 'an operation that does nothing is silent',
    file: 'src/http/event-stream.ts',
    edits: [{ find: "this.#send(': nothing new\\n\\n')", replace: 'this.#startQuiet()' }],
    tests: eventTests,
  },
  {
    name: 'a listener stays when nobody listens any more',
    file: 'src/http/event-stream.ts',
    edits: [{ find: '    this.#stopListening()\n', replace: '' }],
    tests: eventTests,
  },
  {
    name: 'silent connections keep everybody else of their address out',
    file: 'src/http/limits/connections.ts',
    edits: [{ find: '(isCrowded && !makeRoom(beside))', replace: 'isCrowded' }],
    tests: ['test/src/http/limits/connections.test.ts'],
  },
  {
    name: 'one address may hold all connections that there are',
    file: 'src/http/limits/connections.ts',
    edits: [{ find: 'beside.size >= perAddress', replace: 'beside.size < 0' }],
    tests: ['test/src/http/limits/connections.test.ts'],
  },
  {
    name: 'each IPv6 address of a network is another caller',
    file: 'src/http/limits/address.ts',
    edits: [{ find: 'if (!isIPv6(plain)) return plain', replace: 'if (plain !== undefined) return plain' }],
    tests: ['test/src/http/limits/address.test.ts'],
  },
  {
    name: 'another method of a known path is told that there is nothing',
    file: 'src/http/auth/access.ts',
    edits: [{ find: 'if (allowed.length > 0) {', replace: 'if (allowed.length > 9) {' }],
    tests: ['test/src/app.test.ts'],
  },
  {
    name: 'a role that may do nothing may do what needs a token alone',
    file: 'src/http/auth/access.ts',
    edits: [
      {
        find: "if (identity.role !== 'none') return",
        replace: "if (identity.role !== 'none' || identity.actor) return",
      },
    ],
    tests: ['test/src/http/auth/access.test.ts'],
  },
  {
    name: 'an unknown name in a query is passed over',
    file: 'src/http/query.ts',
    edits: [{ find: 'additionalProperties: false', replace: 'additionalProperties: true' }],
    tests: ['test/src/app.test.ts'],
  },
  {
    name: 'a field is said to be wrong by its pattern',
    file: 'src/app.ts',
    edits: [{ find: ', verbose: true', replace: '' }],
    tests: ['test/src/app.test.ts'],
  },
  {
    name: 'what one caller is told may be kept on the way',
    file: 'src/http/auth/access.ts',
    edits: [{ find: "'private, no-store'", replace: "'public'" }],
    tests: ['test/src/http/auth/access.test.ts', 'test/src/http/calls/get-session.test.ts'],
  },
  {
    name: 'the range of a file ends one byte late',
    file: 'src/http/send-file.ts',
    edits: [{ find: 'Math.min(Number(to), size - 1)', replace: 'Math.min(Number(to) + 1, size - 1)' }],
    tests: ['test/src/http/calls/get-session.test.ts'],
  },
  {
    name: 'a folder gives a range from its beginning',
    file: 'src/store/directory/store.ts',
    edits: [{ find: 'let position = range?.first ?? 0', replace: 'let position = 0' }],
    tests: ['test/src/store/directory/store.test.ts'],
  },
  {
    name: 'everybody is told a piece of the catalogue',
    file: 'src/catalogue/catalogue.ts',
    edits: [{ find: 'broken === undefined ? undefined : notInForce', replace: 'broken' }],
    tests: ['test/src/http/readiness.test.ts'],
  },
  {
    name: 'everybody is told where the store is',
    file: 'src/http/readiness.ts',
    edits: [{ find: 'return error.advice', replace: 'return error.message' }],
    tests: ['test/src/http/readiness.test.ts'],
  },
  {
    name: 'each path that is asked for becomes a series of its own',
    file: 'src/http/count-answers.ts',
    edits: [
      { find: 'is404, routeOptions }', replace: 'is404, url }' },
      { find: 'routeOptions.url', replace: 'url' },
    ],
    tests: metricsTests,
  },
  {
    name: 'a down that is answered again counts its students again',
    file: 'src/metrics.ts',
    edits: [{ find: 'progress.students.total === 0 || ', replace: '' }],
    tests: metricsTests,
  },
]
