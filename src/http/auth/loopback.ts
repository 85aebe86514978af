// While nobody is authenticated, the address that is listened on keeps strangers out, but a browser on this host is inside:
// a page of another site whose name was pointed at 127.0.0.1 (DNS rebinding) calls as if it were ours. Only its Host tells.

import { Problem } from '../../problems.ts'
import type { App } from '../app-type.ts'
import { callOf } from '../define-call.ts'

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i

/** For a service without authentication. No browser calls a Unix socket, or leaves the Host away. */
export function registerLoopback(app: App): void {
  app.addHook('onRequest', async (request) => {
    const { ip, headers } = request
    if (ip === undefined || headers.host === undefined || callOf(request)?.access === 'open') return
    if (loopback.test(headers.host)) return
    throw new Problem(
      'forbidden',
      'Without authentication only calls to this host itself are answered: call localhost or 127.0.0.1, or ask the operator for a key source.',
    )
  })
}
