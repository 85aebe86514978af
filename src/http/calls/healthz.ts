import { Type } from '@sinclair/typebox'
import { defineCall, json } from '../define-call.ts'

export const healthz = defineCall({
  name: 'healthz',
  method: 'GET',
  url: '/healthz',
  access: 'open',
  summary: 'Whether the process answers',
  answers: { 200: json('It does.', Type.Object({ status: Type.Literal('ok') })) },
  problems: [],
  run: async () => ({ status: 'ok' }),
})
