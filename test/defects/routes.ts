// Defects in what callers and operators are told.

import type { Defect } from './defect.ts'

const sessionTests = ['test/src/routes/sessions.test.ts']
const eventTests = ['test/src/routes/event-stream.test.ts', 'test/src/routes/operations.test.ts']
const metricsTests = ['test/src/routes/metrics.test.ts']

export const routesDefects: readonly Defect[] = [
  {
    name: 'a bag is looked for in the spelling of the call',
    file: 'src/routes/sessions.ts',
    edits: [{ find: 'await spellClass(asked.classId)', replace: 'asked.classId' }],
    tests: sessionTests,
  },
  {
    name: 'a class that left the catalogue is spelled as the caller does',
    file: 'src/classes/spelled-class.ts',
    edits: [{ find: 'if (kept !== undefined) return kept', replace: 'if (kept !== undefined) return classId' }],
    tests: sessionTests,
  },
  {
    name: "the events of an operation outlive their caller's token",
    file: 'src/routes/event-stream.ts',
    edits: [{ find: 'Math.min(until - Date.now(), longestTimerMs)', replace: 'longestTimerMs' }],
    tests: eventTests,
  },
  {
    name: 'every change of an operation is an event',
    file: 'src/routes/event-stream.ts',
    edits: [{ find: ' || (running && this.#gap)', replace: '' }],
    tests: eventTests,
  },
  {
    name: 'the end of an operation waits for its turn',
    file: 'src/routes/event-stream.ts',
    edits: [{ find: '(running && this.#gap)', replace: 'this.#gap' }],
    tests: eventTests,
  },
  {
    name: 'an operation that does nothing is silent',
    file: 'src/routes/event-stream.ts',
    edits: [{ find: "this.#send(': nothing new\\n\\n')", replace: 'this.#startQuiet()' }],
    tests: eventTests,
  },
  {
    name: 'a listener stays when nobody listens any more',
    file: 'src/routes/event-stream.ts',
    edits: [{ find: '    this.#stopListening()\n', replace: '' }],
    tests: eventTests,
  },
  {
    name: 'everybody is told a piece of the catalogue',
    file: 'src/catalogue.ts',
    edits: [{ find: 'broken === undefined ? undefined : notInForce', replace: 'broken' }],
    tests: ['test/src/routes/health.test.ts'],
  },
  {
    name: 'everybody is told where the store is',
    file: 'src/routes/health.ts',
    edits: [{ find: 'return storeErrorAdvice[error.code]', replace: 'return error.message' }],
    tests: ['test/src/routes/health.test.ts'],
  },
  {
    name: 'each path that is asked for becomes a series of its own',
    file: 'src/routes/metrics.ts',
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
