// Where Traefik shows which routes it uses, by the health check that stands in them.

import { Type } from '@sinclair/typebox'
import { signPath } from '../../traefik/routes.ts'
import { defineCall } from '../define-call.ts'

export const traefikUse = defineCall({
  name: 'traefik-use',
  method: 'GET',
  url: signPath(':routesId'),
  access: 'open',
  isRoutine: true,
  summary: 'Where Traefik shows which routes it uses',
  description:
    'The health check in the routes leads here. The id is of one content of them, and told to Traefik alone; any other id changes nothing.',
  params: Type.Object({ routesId: Type.String({ maxLength: 64 }) }, { additionalProperties: false }),
  answers: { 200: { description: 'It was heard.' } },
  problems: [],
  async run({ classes: { traefik } }, { params }, reply) {
    traefik?.uses(params.routesId)
    return reply.send()
  },
})
