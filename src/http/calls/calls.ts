// Every call, described: a route without a row stops the start, and so does a row without its route.
// A new route: a row here, one in src/http/auth/access.ts, and an example of it in test/src/contract/.
// Long because it is one table.

import type { TSchema } from '@sinclair/typebox'
import { Submission } from '../../bag/submission.ts'
import { CollectAnswer } from '../../classes/collect-class.ts'
import { DiscardAnswer } from '../../classes/discard-student.ts'
import { ExtendAnswer } from '../../classes/extend-class.ts'
import { ResetAnswer } from '../../classes/reset-student.ts'
import { UpAnswer } from '../../classes/up/answer.ts'
import { PlanAnswer } from '../../classes/up/plan-class.ts'
import type { ProblemCode } from '../../problems.ts'
import { DownAnswer } from '../../sessions/record.ts'
import { Alive, ClassDetails, ClassList, LabList, Readiness, SessionDetails, SessionList } from '../answers.ts'
import type { Answer, Call } from '../call.ts'
import { Operation } from '../openapi/schemas.ts'

const json = (description: string, schema: TSchema): Answer => ({ description, schema, type: 'application/json' })

const applied = { 'preference-applied': 'The preference that was followed, where one was sent.' }

/** An action that runs as an operation, and may be asked to answer before it has ended. */
const action = (
  name: string,
  answer: TSchema,
  summary: string,
  description: string,
  problems: readonly ProblemCode[],
): Call => ({
  name,
  summary,
  description,
  answers: {
    200: { ...json('It is done.', answer), headers: applied },
    202: {
      ...json('It goes on: look at the operation.', Operation),
      headers: {
        ...applied,
        location: 'The operation: `/room/operations/<operationId>`.',
        'retry-after': 'Seconds to wait before looking.',
      },
    },
  },
  problems,
})

/** What the catalogue says against an up. */
const orderProblems: readonly ProblemCode[] = [
  'unknown-class',
  'unknown-lab',
  'unknown-student',
  'duplicate-student',
  'lab-not-allowed',
  'roster-empty',
]
const fileHeaders = {
  'x-content-type-options': 'nosniff',
  'content-disposition': 'attachment',
  'cache-control': 'private, no-store',
}

const engine = 'engine-unavailable'
const store = 'store-unavailable'
const changed = 'store-changed'

const session = '/room/classes/:classId/sessions/:sessionId'
const bag = `${session}/students/:studentId/:collectionId`

export const calls: Readonly<Record<string, Call>> = {
  'POST /room/up-class': action(
    'up-class',
    UpAnswer,
    'Bring a class up',
    'A sandbox for each student. Repeated, it converges: adds late joiners, restarts what died, touches nothing else. A failed up takes back what it created, unless `allowPartial`.',
    [
      ...orderProblems,
      engine,
      store,
      'class-not-up',
      changed,
      'down-unfinished',
      'lab-differs',
      'lab-image-missing',
      'lab-image-unfit',
      'lab-runtime-missing',
      'class-too-large',
      'quota-exceeded',
      'host-full',
      'subnets-exhausted',
      'uids-exhausted',
      'traefik-missing',
      'up-failed',
    ],
  ),
  'POST /room/down-class': action(
    'down-class',
    DownAnswer,
    'Take a class down',
    'Every bag is committed and verified before the first sandbox is removed. Who cannot be collected is kept, and so is everybody else unless `allowPartial`. Repeated, it finishes the rest.',
    ['unknown-class', engine, store, 'class-not-up', changed, 'engine-changed', 'collect-failed'],
  ),
  'POST /room/collect-class': action(
    'collect-class',
    CollectAnswer,
    'Collect a running class',
    'A snapshot bag of each running sandbox, which stands still while it is read and then goes on. Nothing is taken down.',
    ['unknown-class', 'unknown-student', 'duplicate-student', engine, store, 'class-not-up', changed, 'collect-failed'],
  ),
  'POST /room/extend-class': action(
    'extend-class',
    ExtendAnswer,
    'Move the expiry of a class',
    'To so many minutes from now, never past what the lab allows.',
    ['unknown-class', engine, store, 'class-not-up', changed],
  ),
  'POST /room/reset-student': action(
    'reset-student',
    ResetAnswer,
    'Give a student a fresh sandbox',
    'What is there is collected first. `restore` names a bag of this student in this session whose files go into the fresh one.',
    [
      'unknown-class',
      'unknown-student',
      'unknown-collection',
      engine,
      store,
      'class-not-up',
      changed,
      'collect-failed',
      'subnets-exhausted',
      'traefik-missing',
      'restore-failed',
      'up-failed',
    ],
  ),
  'POST /room/discard-student': action(
    'discard-student',
    DiscardAnswer,
    'Give up a sandbox that cannot be collected',
    'For admins. It is collected once more first: only what really cannot be saved is lost, and the reason is kept.',
    ['unknown-class', 'unknown-student', engine, store, changed, 'collect-failed'],
  ),
  'POST /room/plan-class': {
    name: 'plan-class',
    summary: 'Ask what an up would need',
    description:
      'Whether that up would be let through now, every reason against it, and the numbers. It changes nothing.',
    answers: { 200: json('The plan, also where the up would be refused.', PlanAnswer) },
    problems: [...orderProblems, engine, store, 'traefik-missing'],
  },
  'GET /room/classes': {
    name: 'list-classes',
    summary: 'What is up',
    description: "The caller's classes, from the engine; an admin's are all.",
    answers: { 200: json('The classes.', ClassList) },
    problems: [engine],
  },
  'GET /room/classes/:classId': {
    name: 'get-class',
    summary: 'One class and its sandboxes',
    answers: { 200: json('The class.', ClassDetails) },
    problems: ['unknown-class', engine],
  },
  'GET /room/classes/:classId/sessions': {
    name: 'list-sessions',
    summary: 'Past and present sessions of a class',
    description: 'From the store alone, newest first.',
    answers: { 200: json('The sessions.', SessionList) },
    problems: ['unknown-class', engine, store],
  },
  [`GET ${session}`]: {
    name: 'get-session',
    summary: 'One session, and what became of each student',
    answers: { 200: json("The session's record, and every bag that is committed.", SessionDetails) },
    problems: ['unknown-class', 'unknown-session', engine, store],
  },
  [`GET ${bag}`]: {
    name: 'get-bag',
    summary: "A bag's submission record",
    description: 'Only of a bag that is committed.',
    answers: {
      200: {
        ...json('meta/submission.json, as it is in the bag.', Submission),
        headers: { 'x-content-type-options': 'nosniff', 'cache-control': 'private, no-store' },
      },
    },
    problems: ['unknown-class', 'unknown-collection', 'unknown-file', engine, store],
  },
  [`GET ${bag}/files/*`]: {
    name: 'get-file',
    summary: 'One file of a bag',
    description:
      'Any object of the bag by its key, which submission.json lists. `Range` with one range gives a part. HEAD tells the length, of any store.',
    answers: {
      200: {
        description: 'The bytes, where the store is a directory.',
        type: 'application/octet-stream',
        headers: { ...fileHeaders, 'accept-ranges': 'bytes', 'content-length': 'Of the file.' },
      },
      206: {
        description: 'The bytes of the range, where the store is a directory.',
        type: 'application/octet-stream',
        headers: { ...fileHeaders, 'content-range': 'Which bytes of how many.' },
      },
      302: {
        description:
          'Where the store is S3: a URL that gives the bytes for a short time, without a token, and knows `Range`.',
        headers: { location: 'The URL.', 'cache-control': 'private, no-store' },
      },
    },
    problems: ['unknown-class', 'unknown-collection', 'unknown-file', 'range-not-satisfiable', engine, store],
  },
  'GET /room/operations/:operationId': {
    name: 'get-operation',
    summary: 'A long operation',
    answers: { 200: json('Its state and progress, and its outcome once it has ended.', Operation) },
    problems: [],
  },
  'GET /room/operations/:operationId/events': {
    name: 'watch-operation',
    summary: 'A long operation, as server-sent events',
    description:
      'Event `progress` after changes, at most four a second, then at once one event `end`. The data of each is the operation as it is then, as the call without `/events` answers it. After 15 s without an event comes a comment line, so that no proxy takes the stream for dead.',
    answers: {
      200: { description: 'The events.', type: 'text/event-stream', headers: { 'cache-control': 'no-store' } },
    },
    problems: [],
  },
  'GET /room/labs': {
    name: 'list-labs',
    summary: 'The labs, and whether the engine has their images',
    answers: { 200: json('The labs.', LabList) },
    problems: [engine],
  },
  'GET /healthz': {
    name: 'healthz',
    summary: 'Whether the process answers',
    answers: { 200: json('It does.', Alive) },
    problems: [],
  },
  'GET /readyz': {
    name: 'readyz',
    summary: 'Whether engine, store and catalogue can be used',
    answers: { 200: json('They can.', Readiness), 503: json('Engine or store cannot.', Readiness) },
    problems: [],
  },
  'GET /metrics': {
    name: 'metrics',
    summary: 'What the service counts, for Prometheus',
    answers: { 200: { description: 'Prometheus text format 0.0.4.', type: 'text/plain' } },
    problems: [],
  },
  'GET /openapi.json': {
    name: 'openapi',
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1.', type: 'application/json' } },
    problems: [],
  },
  'GET /docs': {
    name: 'docs',
    summary: 'This document as a page',
    answers: {
      200: {
        description: 'The page.',
        type: 'text/html',
        headers: { 'content-security-policy': 'Nothing from elsewhere, and no inline script.' },
      },
    },
    problems: [],
  },
  'GET /docs/:asset': {
    name: 'docs-asset',
    summary: 'Scripts and styles of that page',
    answers: {
      200: {
        description: 'Its bytes, as text/javascript, text/css or image/png.',
        type: '*/*',
        headers: { 'cache-control': 'How long it may be kept.' },
      },
    },
    problems: ['not-found'],
  },
}
