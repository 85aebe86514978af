// Structured logs: one JSON object a line, every line of a request with its id. Secrets never reach a line.

import { type Logger, pino } from 'pino'
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
