import { Type } from '@sinclair/typebox'
import { defineCall, json } from '../define-call.ts'

const Ready = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('not-ready')]),
  engine: Type.String({ description: 'ok, or what is wrong.' }),
  store: Type.String({ description: 'ok, or what is wrong.' }),
  traefik: Type.Optional(Type.String({ description: 'ok, or what is wrong; absent where none is set up.' })),
  catalogue: Type.String({ description: 'ok, or what is wrong with the last edit; the last good one is in force.' }),
})

export const readyz = defineCall({
  name: 'readyz',
  method: 'GET',
  url: '/readyz',
  access: 'open',
  summary: 'Whether engine, store, Traefik and catalogue can be used',
  answers: { 200: json('They can.', Ready), 503: json('Engine, store or Traefik cannot.', Ready) },
  problems: [],
  async run({ readiness, brokenEdit }, { log }, reply) {
    const parts = await readiness.check(log)
    const ready = Object.values(parts).every((part) => part === 'ok')
    reply.code(ready ? 200 : 503)
    return { status: ready ? 'ok' : 'not-ready', ...parts, catalogue: brokenEdit() ?? 'ok' }
  },
})
