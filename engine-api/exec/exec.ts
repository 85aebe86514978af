// One exec from start to exit code. The end of the output is no proof that the process ended (a killed engine
// looks the same), so the exit code comes from an inspection afterwards.

import { createExec } from '../endpoints/exec/create.ts'
import { startExec } from '../endpoints/exec/start.ts'
import { EngineError, isEngineError } from '../errors.ts'
import type { CallOptions, Transport } from '../transport/call.ts'
import { exitCodeOf } from './exit.ts'

export interface ExecRun extends CallOptions {
  readonly command: readonly string[]
  /** `name`, `uid` or `uid:gid`. Default: the container's user. */
  readonly user?: string
  /** For the whole run. Then EngineError `timeout`; the process itself goes on until its container stops. */
  readonly timeoutMs: number
  /** For stdout and stderr together; what comes after is read and dropped. */
  readonly maxOutputBytes: number
}

export interface ExecResult {
  readonly exitCode: number
  readonly stdout: Buffer
  readonly stderr: Buffer
  /** Output was dropped because of `maxOutputBytes`. */
  readonly truncated: boolean
}

/** Runs a command in a running container. A container that does not run is EngineError `conflict`. */
export async function runExec(transport: Transport, containerId: string, run: ExecRun): Promise<ExecResult> {
  const timeout = AbortSignal.timeout(run.timeoutMs)
  const signal = run.signal === undefined ? timeout : AbortSignal.any([run.signal, timeout])
  try {
    const id = await createExec(transport, containerId, run, { signal })
    const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
    let left = run.maxOutputBytes
    let truncated = false
    for await (const { stream, bytes } of startExec(transport, id, { signal })) {
      const kept = bytes.subarray(0, left)
      if (kept.length > 0) output[stream].push(kept)
      left -= kept.length
      truncated ||= kept.length < bytes.length
    }
    const exitCode = await exitCodeOf(transport, id, { signal }).catch((cause: unknown) => {
      throw afterStart(cause)
    })
    return { exitCode, stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr), truncated }
  } catch (cause) {
    if (!timeout.aborted || run.signal?.aborted === true) throw cause
    throw new EngineError(`the command has not ended after ${run.timeoutMs} ms; it may still run`, {
      code: 'timeout',
      endpoint: 'exec-run',
      retry: 'after-inspect',
      cause,
    })
  }
}

/** An inspection may be sent again, but not the command that it asks about. */
function afterStart(cause: unknown): unknown {
  if (!isEngineError(cause)) return cause
  const { code, status, engineMessage } = cause
  return new EngineError(`the command was started, and its end is unknown: ${cause.message}`, {
    code,
    endpoint: 'exec-run',
    retry: 'after-inspect',
    status,
    engineMessage,
    cause,
  })
}
