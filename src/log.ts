// Structured logs: one JSON object a line, every line of a request with its id. Secrets never reach a line.

import type { FastifyRequest } from 'fastify'
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import { type CallReport, curlLine, type HostOptions } from '../engine-api/index.ts'
import type { LogLevel } from './config.ts'

/** Writes to standard output unless told otherwise. */
export function createLog(level: LogLevel, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level,
    base: { service: 'class-runtime' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        ...['headers.authorization', 'headers.cookie', '*.headers.authorization', '*.headers.cookie'],
        ...['*.secretKey', '*.accessKey', '*.secret', '*.key.secret'],
      ],
      censor: '[secret]',
    },
    serializers: { err: pino.stdSerializers.errWithCause, req: describeRequest },
  }
  return destination ? pino(options, destination) : pino(options)
}

/** No call takes a query, so what stands in one is a mistake, and may be a token: it is left out. */
const describeRequest = ({ method, url, host, ip }: FastifyRequest) => ({
  method,
  url: url.replace(/\?.*$/s, '?[secret]'),
  host,
  remoteAddress: ip,
})

/** The engine client's observer: each call at debug, and at trace also as `curl`, the line that repeats it. */
export function logEngineCalls(log: Logger, host: HostOptions): (call: CallReport) => void {
  return (call) => {
    // What was sent stays out of the line: only `curl` shows it, with its secrets masked.
    const { sent: _, ...facts } = call
    if (log.isLevelEnabled('trace')) log.trace({ ...facts, curl: curlLine(host, call) }, 'engine call')
    else log.debug(facts, 'engine call')
  }
}
