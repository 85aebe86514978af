import { defineCall } from '../define-call.ts'

export const openapi = defineCall({
  name: 'openapi',
  method: 'GET',
  url: '/openapi.json',
  // No data of a class is in it.
  access: 'open',
  summary: 'This document',
  answers: { 200: { description: 'OpenAPI 3.1.', type: 'application/json' } },
  problems: [],
  run: async ({ document }, _request, reply) =>
    reply.type('application/json').header('cache-control', 'no-cache').send(document()),
})
