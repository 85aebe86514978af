// The closed list of problem codes, and the one error class that becomes an RFC 9457 answer.
// A detail always says what to do next; it is read by teachers, so it never holds paths, addresses or stack traces.

/** Code -> status and title. Nothing answers with a code that is not here. */
export const problemKinds = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'duplicate-student': { status: 400, title: 'A student is named twice' },
  'unknown-student': { status: 400, title: 'A student is not in the roster' },
  'not-authenticated': { status: 401, title: 'The caller is not authenticated' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  'not-found': { status: 404, title: 'There is no such call' },
  'unknown-class': { status: 404, title: 'There is no such class' },
  'unknown-lab': { status: 404, title: 'There is no such lab' },
  'unknown-session': { status: 404, title: 'There is no such session' },
  'unknown-collection': { status: 404, title: 'There is no such bag' },
  'unknown-file': { status: 404, title: 'There is no such file in the bag' },
  'unknown-operation': { status: 404, title: 'There is no such operation' },
  'class-not-up': { status: 409, title: 'The class is not up' },
  'class-too-large': { status: 409, title: 'The class is too large' },
  'down-unfinished': { status: 409, title: 'The class is still on its way down' },
  'engine-changed': { status: 409, title: 'The session belongs to another engine' },
  'host-full': { status: 409, title: 'The host has no room for it' },
  'lab-differs': { status: 409, title: 'The running session has another lab' },
  'lab-image-missing': { status: 409, title: 'The image of the lab is not on the engine' },
  'lab-image-unfit': { status: 409, title: 'The image of the lab cannot be used' },
  'lab-not-allowed': { status: 409, title: 'The subject does not allow this lab' },
  'lab-runtime-missing': { status: 409, title: 'The runtime of the lab is not on the engine' },
  'lab-runtime-unfit': { status: 409, title: 'Work would be lost on the runtime of the lab' },
  'operation-in-progress': { status: 409, title: 'Another operation of this class is running' },
  'quota-exceeded': { status: 409, title: 'The quota of the subject is used up' },
  'roster-empty': { status: 409, title: 'The class has no students' },
  'store-changed': { status: 409, title: 'The session belongs to another store' },
  'method-not-allowed': { status: 405, title: 'The call has another method' },
  'payload-too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The request is not JSON' },
  'range-not-satisfiable': { status: 416, title: 'The file has no such bytes' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The service failed' },
  'collect-failed': { status: 502, title: 'Not every sandbox could be collected' },
  'up-failed': { status: 502, title: 'Not every sandbox came up' },
  'restore-failed': { status: 502, title: 'The bag cannot be put back' },
  'engine-unavailable': { status: 503, title: 'The Docker Engine cannot be used' },
  'keys-unavailable': { status: 503, title: 'The keys that tokens are checked with cannot be had' },
  'shutting-down': { status: 503, title: 'The service is stopping' },
  'store-unavailable': { status: 503, title: 'The store cannot be used' },
  'subnets-exhausted': { status: 503, title: 'No subnet is free' },
  'uids-exhausted': { status: 503, title: 'No user number is free for a sandbox' },
  'traefik-missing': { status: 503, title: 'Traefik is not on the engine' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof problemKinds

/** What is sent as application/problem+json; `instance` is the request id that the logs carry. */
export interface ProblemBody {
  type: string
  title: string
  status: number
  detail: string
  code: ProblemCode
  instance: string
  [extension: string]: unknown
}

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly status: number
  /** Further members of the answer, such as the `students` list of a failed up. */
  readonly extensions: Readonly<Record<string, unknown>>

  constructor(
    code: ProblemCode,
    detail: string,
    options: { cause?: unknown; extensions?: Record<string, unknown> } = {},
  ) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = problemKinds[code].status
    this.extensions = options.extensions ?? {}
  }

  toBody(instance: string): ProblemBody {
    return {
      ...this.extensions,
      type: `urn:class-runtime:problem:${this.code}`,
      title: problemKinds[this.code].title,
      status: this.status,
      detail: this.message,
      code: this.code,
      instance,
    }
  }
}
