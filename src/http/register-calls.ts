// The routes of the service are the calls of the table, and nothing else.

import type { App } from './app-type.ts'
import type { CallContext } from './call-context.ts'
import type { Call } from './define-call.ts'

const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

export function registerCalls(app: App, calls: readonly Call[], context: CallContext): void {
  app.addHook('onRoute', ({ method, url, config }) => {
    if (!config?.call) throw new Error(`${method} ${url} is not a call: define it in src/http/calls/ and list it there`)
  })
  for (const call of calls) {
    const { url, body, params } = call
    app.route({
      method: call.everyMethod ? everyMethod : call.method,
      url,
      schema: { ...(body ? { body } : {}), ...(params ? { params } : {}) },
      config: { call },
      ...(call.isRoutine ? { logLevel: 'warn' as const } : {}),
      // Before anything of the request is read that could be wrong.
      ...(call.everyMethod ? { onRequest: async (request, reply) => call.run(context, request, reply) } : {}),
      handler: (request, reply) => call.run(context, request, reply),
    })
  }
}
