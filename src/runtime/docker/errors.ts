// What the engine client throws, in the words of the runtime port. The message is for teachers and holds no path or
// address; the client's own error stays as the cause, for the log.

import { type EngineError, isEngineError } from '../../../engine-api/index.ts'
import { RuntimeError, type RuntimeErrorCode } from '../errors.ts'

export async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw asRuntimeError(error)
  }
}

export async function* translatedEach<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    throw asRuntimeError(error)
  }
}

/** A call whose answer was lost on the way is sent once more, where the engine client says that it can do no harm. */
export async function resent<T>(send: () => Promise<T>): Promise<T> {
  return await send().catch((error: unknown) => {
    if (isEngineError(error, 'unreachable') && error.retry === 'same') return send()
    throw error
  })
}

export function asRuntimeError(error: unknown): unknown {
  if (!isEngineError(error)) return error
  if (error.code === 'aborted') {
    return new RuntimeError('failed', 'The service was stopping. Everything is kept; repeat the call.', error)
  }
  const code = runtimeCode(error)
  if (code === 'unavailable') return new RuntimeError(code, whyUnavailable(error), error)
  if (code === 'full') return new RuntimeError(code, engineFull, error)
  const reason = withoutPaths(error.engineMessage ?? error.message)
  return new RuntimeError(code, code === 'failed' ? `The engine refused: ${reason}` : reason, error)
}

const engineFull =
  "The engine's host has no room left: its disk, its memory or its files are used up. Everything is kept: ask the operator to make room there, then repeat the call."

/** The words of Linux, which engines hand on: bytes or inodes of a disk or of a quota, memory, open files. */
const isFull = (message: string): boolean =>
  /no space left on device|disk quota exceeded|cannot allocate memory|too many open files/i.test(message)

/**
 * Engines name files of their host, which are nobody's business but the operator's: the log has them. A program or a folder of
 * the lab stays (`exec: "…"`, `cwd ("…")`), and so does a path behind a name, as that of an image.
 */
export const withoutPaths = (message: string): string =>
  message.replace(hostPath, (path, before: string, program: string | undefined) =>
    program === undefined ? `${before}(a file of the host)` : path,
  )

/** A path of two names or more, to the end of its quotes where it stands in some. */
const hostPath =
  /(^|[\s(=[]|:(?!\/\/))(exec: |cwd \()?(?:"\/[^"]*\/[^"]*"|'\/[^']*\/[^']*'|`\/[^`]*\/[^`]*`|\/[^\s"'`:,;()]+(?:\/[^\s"'`:,;()]*)+)/g

/**
 * The engine said no to what was asked, in whatever status it prefers. What is absent is gone, and what did not answer
 * said nothing: neither is a refusal.
 */
export const isRefusal = (error: unknown): error is EngineError =>
  isEngineError(error) && ['bad-request', 'forbidden', 'conflict', 'server-error'].includes(error.code)

function runtimeCode({ code, engineMessage }: EngineError): RuntimeErrorCode {
  if (engineMessage !== undefined && isFull(engineMessage)) return 'full'
  if (code === 'unreachable' || code === 'timeout' || code === 'version-unsupported') return 'unavailable'
  if (code === 'archive-truncated' || code === 'archive-corrupt') return 'archive'
  if (code === 'not-found') return 'gone'
  return 'failed'
}

function whyUnavailable(error: EngineError): string {
  const errno = errnoOf(error)
  if (errno === 'ENOENT')
    return 'The Docker Engine is not running: its socket does not exist. Start the engine, then repeat the call.'
  if (errno === 'EACCES' || errno === 'EPERM') {
    return 'The service may not open the socket of the Docker Engine. Give its user access (group docker), then repeat the call.'
  }
  if (errno === 'ECONNREFUSED')
    return 'The Docker Engine does not answer at its socket. Start the engine, then repeat the call.'
  if (error.code === 'version-unsupported') return error.engineMessage ?? error.message
  if (error.code === 'timeout')
    return 'The Docker Engine did not answer in time. Repeat the call; if it stays so, look at the engine.'
  return 'The connection to the Docker Engine broke. Repeat the call.'
}

function errnoOf(error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && /^E[A-Z]+$/.test(cause.code)) return cause.code
  }
  return undefined
}
