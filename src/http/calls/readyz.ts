import { Type } from '@sinclair/typebox'
import { defineCall, json } from '../define-call.ts'

const Ready = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('not-ready')]),
  engine: Type.String({ description: 'ok, or what is wrong.' }),
  store: Type.String({ description: 'ok, or what is wrong.' }),
  catalogue: Type.String({ description: 'ok, or what is wrong with the last edit; the last good one is in force.' }),
})

export const readyz = defineCall({
  name: 'readyz',
  method: 'GET',
  url: '/readyz',
  access: 'open',
  summary: 'Whether engine, store and catalogue can be used',
  answers: { 200: json('They can.', Ready), 503: json('Engine or store cannot.', Ready) },
  problems: [],
  async run({ readiness, brokenEdit }, { log }, reply) {
    const { engine, store } = await readiness.check(log)
    const ready = engine === 'ok' && store === 'ok'
    reply.code(ready ? 200 : 503)
    return { status: ready ? 'ok' : 'not-ready', engine, store, catalogue: brokenEdit() ?? 'ok' }
  },
})
