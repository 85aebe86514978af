// Structured logs: one JSON object a line, every line of a request with its id. Secrets never reach a line.

import { type Logger, pino } from 'pino'
import { type CallReport, curlLine, type HostOptions } from '../engine-api/index.ts'
import type { LogLevel } from './config.ts'

export function createLog(level: LogLevel): Logger {
  return pino({
    level,
    base: { service: 'class-runtime' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['req.headers.authorization', 'req.headers.cookie', '*.secretKey', '*.accessKey'],
      censor: '[secret]',
    },
    serializers: { err: pino.stdSerializers.errWithCause },
  })
}

/** The engine client's observer: each call at debug, and at trace also as `curl`, the line that repeats it. */
export function logEngineCalls(log: Logger, host: HostOptions): (call: CallReport) => void {
  return (call) => {
    // What was sent stays out of the line: only `curl` shows it, with its secrets masked.
    const { sent: _, ...facts } = call
    if (log.isLevelEnabled('trace')) log.trace({ ...facts, curl: curlLine(host, call) }, 'engine call')
    else log.debug(facts, 'engine call')
  }
}
