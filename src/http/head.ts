// HEAD is answered as GET, without its body. Fastify would read a stream to its end all the same, for nobody.

import { Readable } from 'node:stream'
import type { App } from './app-type.ts'

export function answerHeadWithoutBody(app: App): void {
  app.addHook('onSend', async (request, _reply, payload) => {
    if (request.method !== 'HEAD' || !(payload instanceof Readable)) return payload
    // One piece is asked for: a source that was never begun would not give back what it holds open.
    payload.on('error', () => {})
    payload.once('readable', () => payload.destroy()).read(0)
    return Readable.from([])
  })
}
