// For a Prometheus server: what the service counts. A scrape asks neither the engine nor the store.

import { type Metrics, metricsType } from '../../metrics.ts'
import type { Operations } from '../../operations/operations.ts'
import type { App } from '../app-type.ts'

export function registerMetrics(app: App, metrics: Metrics, operations: Operations): void {
  operations.onEnded((operation) => metrics.operationEnded(operation.view()))

  app.addHook('onResponse', async ({ method, is404, routeOptions }, { statusCode }) => {
    metrics.answered(method, is404 ? undefined : routeOptions.url, statusCode)
  })

  app.get('/metrics', async (_request, reply) => {
    reply.type(metricsType)
    return metrics.text(operations.running)
  })
}
