// What the calls about classes answer with. What a class action answers with stands beside it, in src/classes/.

import { type Static, Type } from '@sinclair/typebox'
import { Nullable } from '../nullable.ts'
import { OperationView } from '../operations/operations.ts'
import { Isolation } from '../runtime/isolation.ts'
import { SandboxLife } from '../runtime/life.ts'
import { EndpointState } from '../sessions/outcomes.ts'

const ClassSummary = Type.Object({
  classId: Type.String(),
  state: Type.Union(
    ['down', 'up', 'up-partial', 'stopped'].map((state) => Type.Literal(state)),
    { description: 'stopped: nothing runs, but sandboxes are kept.' },
  ),
  sessionId: Nullable(Type.String()),
  network: Nullable(Type.String()),
  subnet: Nullable(Type.String()),
  expiresAt: Nullable(Type.String()),
  students: Type.Object({
    total: Type.Integer({ description: 'Of the session, with those of an up that has not ended.' }),
    running: Type.Integer(),
    missing: Type.Array(Type.String(), { description: 'Of the session, without a sandbox on the engine.' }),
    roster: Type.Integer({ description: 'In the catalogue.' }),
    absent: Type.Array(Type.String(), {
      description: 'In the catalogue and not in the session. Empty where none is up.',
    }),
  }),
  problem: Type.Optional(
    Type.Object(
      { code: Type.String(), detail: Type.String() },
      {
        description:
          'What the operator must mend: store-changed (calls of this class are refused), engine-unreachable (a node with some of its sandboxes is silent), traefik-unusable (pages cannot be opened).',
      },
    ),
  ),
  operation: Nullable(OperationView),
})
export type ClassSummary = Static<typeof ClassSummary>

export const ClassList = Type.Object({ classes: Type.Array(ClassSummary) })

const Sandbox = Type.Object({
  studentId: Type.String(),
  state: Type.String({
    description:
      "The engine's word for its container; starting and unhealthy run; missing: none; unreachable: its node cannot be asked.",
  }),
  containerId: Nullable(Type.String()),
  containerName: Nullable(Type.String()),
  endpoint: Nullable(Type.String()),
  endpointState: EndpointState,
  volume: Nullable(Type.String()),
})

export const StudentDetails = Type.Composite([
  Sandbox,
  Type.Object({
    classId: Type.String(),
    life: Type.Union([SandboxLife, Type.Null()], {
      description: 'Null: there is no container, or the engine does not say now, as while its files are read.',
    }),
  }),
])
export type StudentDetails = Static<typeof StudentDetails>

export const ClassDetails = Type.Composite([
  ClassSummary,
  Type.Object({
    subject: Type.String(),
    lab: Type.String(),
    createdBy: Type.Optional(Type.String({ description: 'Where a session is up.' })),
    isolation: Nullable(Isolation),
    sandboxes: Type.Array(Sandbox),
  }),
])
export type ClassDetails = Static<typeof ClassDetails>
