// Everything that goes wrong in a request leaves here as application/problem+json. Texts of 5xx never leak internals:
// what is not a Problem is logged whole and answered as 'internal'.

import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger, FastifyError, FastifyRequest } from 'fastify'
import { Problem, type ProblemBody } from '../problems.ts'
import type { App } from './app-type.ts'
import { auditRefusal } from './audit.ts'
import { describeInvalid } from './invalid.ts'

export function registerErrors(app: App): void {
  app.setErrorHandler((error: FastifyError | Problem, request, reply) => {
    const body = describeError(request, error)
    auditRefusal(request, body.code, reply.elapsedTime)
    return reply.code(body.status).type(problemType).send(body)
  })
  // Node would answer 417 without a body; whoever expects what nobody offers may be answered as if they did not (RFC 9110, 10.1.1).
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.server.prependListener('request', ({ socket }, response) => lastAnswers.set(socket, response))
}

/** Of each connection, to know whether anything may still be written to it. */
const lastAnswers = new WeakMap<Socket, ServerResponse>()

/** For what Fastify refuses before it has a route, such as a path that cannot be decoded. */
export function answerFrameworkError(
  error: FastifyError | Problem,
  request: LoggedRequest,
  response: ServerResponse,
): void {
  const problem = describeError(request, error)
  const body = JSON.stringify(problem)
  response.writeHead(problem.status, { 'content-type': problemType, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** For what Node refuses before it is a request, such as a header that cannot be read. Nobody else has its id. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const last = lastAnswers.get(socket)
  if (last?.headersSent && !(last.writableFinished && last.shouldKeepAlive)) {
    // Another answer would be read as a part of that one.
    socket.end(() => socket.destroy())
    return
  }
  const detail = 'The request is not HTTP that can be read: a line, a header or a chunk is wrong, too long or too late.'
  const problem = new Problem('invalid-request', detail)
  const body = JSON.stringify(problem.toBody(randomUUID()))
  const head = [
    `HTTP/1.1 ${problem.status} Bad Request`,
    `content-type: ${problemType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

const problemType = 'application/problem+json'

type LoggedRequest = Pick<FastifyRequest, 'id'> & { readonly log: Pick<FastifyBaseLogger, 'error' | 'info'> }

function describeError(request: LoggedRequest, error: FastifyError | Problem): ProblemBody {
  const problem = error instanceof Problem ? error : fromFastify(error)
  if (problem.status >= 500) request.log.error({ err: error, code: problem.code }, 'request failed')
  else request.log.info({ code: problem.code, detail: problem.message }, 'request refused')
  return problem.toBody(request.id)
}

function fromFastify(error: FastifyError): Problem {
  const first = error.validation?.[0]
  if (first) return new Problem('invalid-request', describeInvalid(error.validationContext, first), { cause: error })
  if (error.statusCode === 413)
    return new Problem('payload-too-large', 'The request body is larger than 1 MiB.', { cause: error })
  if (error.statusCode === 415)
    return new Problem('unsupported-media-type', 'Send the body as application/json.', { cause: error })
  if (error.code === 'FST_ERR_BAD_URL' || error.code === 'FST_ERR_MAX_PARAM_LENGTH') {
    return new Problem('invalid-request', 'The path cannot be read: it is too long or not percent-encoded UTF-8.', {
      cause: error,
    })
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new Problem('invalid-request', `${error.message}. Send one JSON object.`, { cause: error })
  }
  return new Problem('internal', 'The service failed on this request. Its log has the cause under this request id.', {
    cause: error,
  })
}
