// The routes of the service are the calls of the table, and nothing else.

import type { App } from './app-type.ts'
import type { CallContext } from './call-context.ts'
import type { Call } from './define-call.ts'

export function registerCalls(app: App, calls: readonly Call[], context: CallContext): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (!config?.call) throw new Error(`${method} ${url} is not a call: define it in src/http/calls/ and list it there`)
  })
  for (const call of calls) {
    const { method, url, body, params } = call
    app.route({
      method,
      url,
      schema: { ...(body ? { body } : {}), ...(params ? { params } : {}) },
      config: { call },
      handler: (request, reply) => call.run(context, request, reply),
    })
  }
}
