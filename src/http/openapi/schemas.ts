// The schemas that are of no single call: an operation with all that its result can be, and each problem with its own members.

import { type TSchema, Type } from '@sinclair/typebox'
import { Quota } from '../../catalogue/schema.ts'
import { CollectAnswer, Snapshot } from '../../classes/collect-class.ts'
import { DiscardAnswer } from '../../classes/discard-student.ts'
import { ExtendAnswer } from '../../classes/extend-class.ts'
import { ResetAnswer } from '../../classes/reset-student.ts'
import { Usage } from '../../classes/up/usage.ts'
import { Nullable } from '../../nullable.ts'
import { OperationView } from '../../operations/operations.ts'
import { type ProblemCode, problemKinds } from '../../problems.ts'
import { DownAnswer, DownStudent, UpAnswer, UpStudent } from '../../sessions/outcomes.ts'
import { refusals } from '../auth/tokens.ts'

const failed = <Answer extends TSchema>(answer: Answer, code: 'up-failed' | 'collect-failed', student: TSchema) =>
  Type.Partial(
    Type.Composite([
      Type.Omit(answer, ['state', 'students']),
      Type.Object({ state: Type.Literal(code), students: Type.Array(student) }),
    ]),
  )

const failedCollection = failed(DownAnswer, 'collect-failed', Type.Union([DownStudent, Snapshot])).properties

/** The members that a problem has beside those of every problem. Optional ones depend on how far the call had come. */
const extensions: Partial<Record<ProblemCode, Record<string, TSchema>>> = {
  'not-authenticated': {
    reason: Type.Union(
      Object.keys(refusals).map((reason) => Type.Literal(reason)),
      { description: 'The rule that failed.' },
    ),
  },
  'operation-in-progress': {
    operationId: Type.Optional(Type.String({ description: 'Of the running operation, where this process runs it.' })),
  },
  'quota-exceeded': { subject: Type.String(), limits: Quota, used: Usage, needed: Usage },
  'host-full': { host: Type.Object({ memoryMb: Type.Integer(), usedMb: Type.Integer() }), needed: Usage },
  'up-failed': failed(UpAnswer, 'up-failed', UpStudent).properties,
  'collect-failed': failedCollection,
  // Of a collection that was under way.
  'engine-unavailable': failedCollection,
  'store-unavailable': failedCollection,
}

function problemSchema(code: ProblemCode): TSchema {
  const { status, title } = problemKinds[code]
  return Type.Object(
    {
      type: Type.Literal(`urn:class-runtime:problem:${code}`),
      title: Type.Literal(title),
      status: Type.Literal(status),
      detail: Type.String({ description: 'What is wrong here, and what to do next.' }),
      code: Type.Literal(code),
      instance: Type.String({ description: "The request's id, which the service's log carries." }),
      ...extensions[code],
    },
    { description: title },
  )
}

export const problemCodes = Object.keys(problemKinds).filter((code): code is ProblemCode => code in problemKinds)

export const problems: ReadonlyMap<ProblemCode, TSchema> = new Map(
  problemCodes.map((code) => [code, problemSchema(code)]),
)

/** By its code: also one that an operation tells of itself. */
export const AnyProblem = Type.Union([...problems.values()])

export const Operation = Type.Composite([
  Type.Omit(OperationView, ['result', 'problem']),
  Type.Object({
    result: Nullable(
      Type.Union([UpAnswer, DownAnswer, CollectAnswer, ExtendAnswer, ResetAnswer, DiscardAnswer], {
        description: 'What the call would have answered; null until it has succeeded.',
      }),
    ),
    problem: Nullable(AnyProblem),
  }),
])
