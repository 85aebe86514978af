import { metricsType } from '../../metrics.ts'
import { defineCall } from '../define-call.ts'

export const metrics = defineCall({
  name: 'metrics',
  method: 'GET',
  url: '/metrics',
  // A server that scrapes should be able to do nothing else: any token will do, such as of a teacher without a class.
  access: 'authenticated',
  summary: 'What the service counts, for Prometheus',
  answers: { 200: { description: 'Prometheus text format 0.0.4.', type: 'text/plain' } },
  problems: [],
  // A scrape asks neither the engine nor the store.
  async run({ metrics, classes: { traefik }, actions: { operations } }, _request, reply) {
    reply.type(metricsType)
    if (traefik) {
      metrics.checked('traefik', traefik.trouble() === undefined)
      metrics.traefikPolled(traefik.lastPolledAt)
    }
    return metrics.text(operations.running)
  },
})
