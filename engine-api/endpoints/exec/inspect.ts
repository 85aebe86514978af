// GET /exec/{id}/json: whether an exec's process has ended, and how.
// "Created, not started" and "ended" both say Running false; only ExitCode tells them apart.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'

const ExecSchema = Type.Object({
  Running: Type.Boolean(),
  /** Null until the process has ended. */
  ExitCode: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
})

export type Exec = Static<typeof ExecSchema>

export const execInspect = defineEndpoint({
  name: 'exec-inspect',
  method: 'GET',
  path: '/exec/{id}/json',
  query: [],
  statuses: { 200: 'found' },
  timeout: 'quick',
  retry: 'same',
  answer: TypeCompiler.Compile(ExecSchema),
  notes: ['The record is dropped some minutes after the end, and with its container: then 404.'],
})

export function inspectExec(transport: Transport, id: string, options: CallOptions = {}): Promise<Exec> {
  return transport.json(execInspect, { path: { id }, ...options })
}
