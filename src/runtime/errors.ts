// What a runtime rejects with. The message is for teachers.

/**
 * - `unavailable`: the engine does not answer, or cannot be used at all
 * - `unreachable`: a node of several cannot be asked, and what was to be read or changed may be on it
 * - `image-missing`, `proxy-missing`, `subnets-exhausted`: the operator must act first
 * - `runtime-unfit`: what is written in sandboxes on that container runtime does not come out of them, or does not come to an end
 * - `image-unfit`: it cannot be known whether it does, since the image has no shell
 * - `name-taken`: something under one of our names is not ours; it is never touched
 * - `gone`: what was to be read or changed is not there
 * - `running`: the sandbox runs, though it was stopped: somebody else started it
 * - `archive`: the archive was cut short or is not sound
 * - `full`: the engine's host has no room (disk, memory, open files); nothing is wrong with the sandbox
 * - `failed`: the engine refused, and its reason is in the message
 */
export type RuntimeErrorCode =
  | 'unavailable'
  | 'unreachable'
  | 'image-missing'
  | 'proxy-missing'
  | 'subnets-exhausted'
  | 'runtime-unfit'
  | 'image-unfit'
  | 'name-taken'
  | 'gone'
  | 'running'
  | 'archive'
  | 'full'
  | 'failed'

export class RuntimeError extends Error {
  override readonly name: string = 'RuntimeError'
  readonly code: RuntimeErrorCode

  constructor(code: RuntimeErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
