// What /metrics tells of calls and operations.

import type { Metrics } from '../metrics.ts'
import type { Operations } from '../operations/operations.ts'
import type { App } from './app-type.ts'

export function countAnswers(app: App, metrics: Metrics, operations: Operations): void {
  operations.onEnded((operation) => metrics.operationEnded(operation.view()))
  app.addHook('onResponse', async ({ method, is404, routeOptions }, { statusCode }) => {
    metrics.answered(method, is404 ? undefined : routeOptions.url, statusCode)
  })
}
