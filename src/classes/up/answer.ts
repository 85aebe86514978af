// The shape of what up-class answers.

import { type Static, Type } from '@sinclair/typebox'
import { Nullable } from '../../nullable.ts'
import { LastCopy } from '../../sessions/record.ts'

export const UpStudent = Type.Object({
  studentId: Type.String(),
  state: Type.Union([Type.Literal('running'), Type.Literal('failed')]),
  containerId: Nullable(Type.String()),
  containerName: Nullable(Type.String()),
  endpoint: Nullable(Type.String()),
  error: Type.Optional(Type.Object({ code: Type.String(), detail: Type.String() })),
  vanished: Type.Optional(
    Type.Object(
      { detail: Type.String(), bag: Nullable(LastCopy) },
      {
        description:
          'An earlier sandbox was removed by another hand: this one is empty. POST /room/reset-student with `restore` brings the bag back.',
      },
    ),
  ),
})

export const UpAnswer = Type.Object({
  classId: Type.String(),
  sessionId: Type.String(),
  state: Type.Union([Type.Literal('up'), Type.Literal('up-partial')]),
  lab: Type.String(),
  network: Type.String(),
  expiresAt: Type.String(),
  students: Type.Array(UpStudent),
})

export type UpAnswer = Static<typeof UpAnswer>
export type UpStudent = Static<typeof UpStudent>
