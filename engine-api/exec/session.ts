// An exec that is talked to while it runs: input, output, the size of its terminal, its exit code.
// Ending the input does not end the output, and closing the connection does not end the process.

import { attachExec } from '../endpoints/exec/attach.ts'
import { createExec, type ExecProcess } from '../endpoints/exec/create.ts'
import { resizeExec, type TerminalSize } from '../endpoints/exec/resize.ts'
import { type OutputPiece, readFrames } from '../streams/frames.ts'
import type { CallOptions, Transport } from '../transport/call.ts'
import { exitCodeOf } from './exit.ts'

/** The signal holds for all of the session: while it is opened, while it is read and written, and for its exit code. */
export interface ExecSessionOptions extends Omit<ExecProcess, 'input'>, CallOptions {}

export interface ExecSession {
  /**
   * What the process writes, to be iterated once, all of it as `stdout` with a terminal. A slow reader slows the process
   * down. Leaving early closes the connection. Throws EngineError `unreachable` where the connection broke, after all
   * that came before.
   */
  readonly output: AsyncIterable<OutputPiece>
  /** Resolves when the bytes are on their way. EngineError `unreachable` where the process has ended before. */
  write(bytes: Uint8Array): Promise<void>
  /** As `write`, for the end of the input; the output still comes. With a terminal, write the byte 4 instead. */
  endInput(): Promise<void>
  /** Tells a terminal its size. */
  resize(size: TerminalSize): Promise<void>
  /** Waits for the end of the process; ask for it after the output has ended. */
  exitCode(): Promise<number>
  /** Closes the connection; the process goes on. */
  close(): void
}

/** Starts a command in a running container, with its input open. A container that does not run is EngineError `conflict`. */
export async function openExec(
  transport: Transport,
  containerId: string,
  { signal, ...process }: ExecSessionOptions,
): Promise<ExecSession> {
  const { terminal = false } = process
  const id = await createExec(transport, containerId, { ...process, input: true }, { signal })
  const connection = await attachExec(transport, id, { terminal }, { signal })
  return {
    output: terminal ? plainOutput(connection.chunks) : readFrames('exec-attach', connection.chunks),
    write: (bytes) => connection.write(bytes),
    endInput: () => connection.end(),
    resize: (size) => resizeExec(transport, id, size, { signal }),
    exitCode: () => exitCodeOf(transport, id, { signal }),
    close: () => connection.close(),
  }
}

async function* plainOutput(chunks: AsyncIterable<Buffer>): AsyncGenerator<OutputPiece, void, undefined> {
  for await (const bytes of chunks) yield { stream: 'stdout', bytes }
}
