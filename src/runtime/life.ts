// How a sandbox has lived so far: whether the engine had to start it again, and how it ended last.

import { type Static, Type } from '@sinclair/typebox'
import { Nullable } from '../nullable.ts'

export const SandboxLife = Type.Object({
  startedAt: Nullable(Type.String({ description: 'Null: it never ran.' })),
  restarts: Type.Integer({
    description: 'By the engine, since a call started it last. All of its programs were gone each time.',
  }),
  lastDeath: Nullable(
    Type.Object({
      at: Type.String(),
      exitCode: Nullable(Type.Integer({ description: 'Null: it runs again, and the engine has forgotten it.' })),
      outOfMemory: Nullable(
        Type.Boolean({
          description:
            'Its programs wanted more memory than the lab allows. Null: it runs again, and the engine may have forgotten it.',
        }),
      ),
    }),
  ),
})
export type SandboxLife = Static<typeof SandboxLife>
