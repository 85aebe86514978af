// The HTTP below minio-js, which has neither a time limit nor a usable error for a busy server (it leaves such an answer unread and
// its connection taken). Both are put right here, below every call of it, instead of around each one.
import http from 'node:http'
import https from 'node:https'
import { isPassing, toStoreError } from './errors.ts'
import type { S3Limits } from './limits.ts'
import { noAnswer } from './no-answer.ts'

type OnResponse = (response: http.IncomingMessage) => void

export interface ControlTransport {
  readonly transport: Pick<typeof http, 'request'>
  readonly transportAgent: http.Agent
}

/** For one server, named `host` in errors, whose certificate is of `ca` where one is given. A call fails with StoreError 'unreachable' when no byte moves for `stallMilliseconds`. */
export function createControlTransport(
  secure: boolean,
  host: string,
  ca: string | undefined,
  limits: S3Limits,
): ControlTransport {
  const base = secure ? https : http

  // node:http allows other argument lists too; minio-js uses this one only.
  function request(
    options: http.RequestOptions | string | URL,
    onResponse?: http.RequestOptions | OnResponse,
  ): http.ClientRequest {
    if (typeof options === 'string' || options instanceof URL || typeof onResponse !== 'function') {
      throw new TypeError('request(options, onResponse) was expected')
    }
    const timeout = limits.stallMilliseconds
    const outgoing = base.request({ ...options, timeout }, (response) => {
      const status = response.statusCode ?? 0
      if (isPassing(status)) outgoing.destroy(toStoreError('S3', host, { status, code: '', message: '' }))
      else onResponse(response)
    })
    outgoing.on('timeout', () => outgoing.destroy(noAnswer(host, new Error(`nothing moved for ${timeout} ms`))))
    return outgoing
  }

  const transportAgent = new base.Agent({
    keepAlive: true,
    maxSockets: limits.connections,
    timeout: limits.idleMilliseconds,
    ...(ca === undefined ? {} : { ca }),
  })
  return { transport: { request }, transportAgent }
}
