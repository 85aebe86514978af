// The matrix as data: each step of a down-class, each fault that can strike it, and what the first down must then say. Whatever
// it says, nothing may be lost, and the next down finishes: test/live/fault-matrix.test.ts runs every cell. Long because it is
// one table, to be read as one.

import type { EngineFault, EngineStrike } from './engine-proxy.ts'
import type { S3Fault, S3Strike } from './s3-proxy.ts'

/**
 * What a down answers:
 * - `down`: 200, everything collected and gone
 * - `leaked …`: 200 and every bag committed, but something of that kind would not go
 * - `unconfirmed …`: 200 and everything gone, but the store would not show its bags again, for the reasons of these codes
 * - `kept …`: 502, with the codes of those who were not collected
 * - `refused …`: a problem of the whole call, of this code
 */
export type Outcome = 'down' | `leaked ${string}` | `unconfirmed ${string}` | `kept ${string}` | `refused ${string}`

export type Cell = {
  readonly step: string
  readonly first: Outcome
} & ({ readonly at: 'engine'; readonly strike: EngineStrike } | { readonly at: 's3'; readonly strike: S3Strike })

/** Method, URL, and which of the requests. One student is collected after the other, so the first is always the same one's. */
type Place = readonly [method: string, url: RegExp, nth: number]
type Outcomes<Fault> = readonly (readonly [fault: Fault, first: Outcome])[]

const unanswered = 'kept engine-unavailable'
const incomplete = 'kept archive-incomplete'
const storeAway = 'kept store-unavailable'

const archive = /\/containers\/[0-9a-f]{64}\/archive\?/
const inspect = /\/containers\/[0-9a-f]{64}\/json/

const tarCuts: Outcomes<EngineFault> = [
  ['broken-off', incomplete],
  ['cut-at-boundary', incomplete],
  ['cut-mid-file', incomplete],
  ['cut-mid-header', incomplete],
  ['one-zero-block', incomplete],
  ['bad-checksum', incomplete],
  ['wrong-size', incomplete],
]

const engineSteps: readonly (readonly [step: string, place: Place, outcomes: Outcomes<EngineFault>])[] = [
  [
    'b, what the engine holds',
    ['GET', /\/containers\/json\?/, 1],
    [
      ['hang', 'refused engine-unavailable'],
      ['reset', 'down'],
      ['error-500', 'refused collect-failed'],
    ],
  ],
  [
    'c, the restart policy',
    ['POST', /\/update$/, 1],
    [
      ['hang', unanswered],
      ['reset', 'down'],
      ['error-500', 'down'],
      ['answer-lost', 'down'],
    ],
  ],
  [
    'c, the stop',
    ['POST', /\/stop\?/, 1],
    [
      ['hang', unanswered],
      ['reset', 'down'],
      ['error-500', 'kept failed'],
      ['answer-lost', 'down'],
    ],
  ],
  [
    'c, the inspection after it',
    ['GET', inspect, 1],
    [
      ['hang', unanswered],
      ['reset', 'down'],
      ['error-500', 'kept failed'],
    ],
  ],
  [
    'd, the first reading',
    ['GET', archive, 1],
    [
      ['hang', unanswered],
      ['reset', 'down'],
      ['error-500', 'kept failed'],
      ...tarCuts,
      ['flipped-bit', 'kept changed'],
    ],
  ],
  [
    'e, the second reading',
    ['GET', archive, 2],
    [
      ['hang', unanswered],
      ['reset', 'down'],
      ['error-500', 'kept failed'],
      ...tarCuts,
      ['flipped-bit', 'kept changed'],
    ],
  ],
  [
    'h, the logs',
    ['GET', /\/logs\?/, 1],
    [
      ['hang', unanswered],
      ['reset', 'down'],
      ['error-500', 'kept failed'],
    ],
  ],
  [
    'l, the inspection before a removal',
    ['GET', inspect, 3],
    [
      ['hang', 'leaked sandbox'],
      ['reset', 'down'],
      ['error-500', 'leaked sandbox'],
    ],
  ],
  [
    'l, the removal of a container',
    ['DELETE', /\/containers\//, 1],
    [
      ['hang', 'leaked sandbox'],
      ['reset', 'down'],
      ['error-500', 'leaked sandbox'],
      ['answer-lost', 'down'],
    ],
  ],
  [
    'm, the removal of a volume',
    ['DELETE', /\/volumes\//, 1],
    [
      ['hang', 'leaked sandbox'],
      ['reset', 'down'],
      ['error-500', 'leaked sandbox'],
      ['answer-lost', 'down'],
    ],
  ],
  [
    'n, the removal of the network',
    ['DELETE', /\/networks\//, 1],
    [
      ['hang', 'leaked network'],
      ['reset', 'down'],
      ['error-500', 'leaked network'],
      ['answer-lost', 'down'],
    ],
  ],
]

/** Like the outages that they are, these last until the first down has ended. */
const lasting: ReadonlySet<S3Fault> = new Set([
  'hang',
  'error-500',
  'slow-down',
  'skewed-clock',
  'revoked-keys',
  'bucket-gone',
])

const outages = (first: Outcome): Outcomes<S3Fault> =>
  (['hang', 'refused', 'error-500', 'slow-down', 'skewed-clock', 'revoked-keys', 'bucket-gone'] as const).map(
    (fault) => [fault, first],
  )

const lies: Outcomes<S3Fault> = [
  ['cut', 'kept store-mismatch'],
  ['flipped-bit', 'kept store-mismatch'],
  ['vanished', 'kept store-mismatch'],
]

const bag = '\\/s01\\/final\\/'

const s3Steps: readonly (readonly [step: string, place: Place, outcomes: Outcomes<S3Fault>])[] = [
  [
    'a, the session’s record is read',
    ['GET', /session\.json\?/, 1],
    [...outages(storeAway), ['reset', 'down'], ['answer-lost', 'down']],
  ],
  [
    'a, the down is recorded',
    ['PUT', /session\.json\?/, 1],
    [...outages(storeAway), ['reset', 'down'], ['answer-lost', 'down']],
  ],
  [
    'e, a large file',
    ['PUT', new RegExp(`${bag}data\\/workspace\\/large`), 1],
    [...outages(storeAway), ['reset', 'down'], ['broken-off', 'down'], ['answer-lost', 'down'], ...lies],
  ],
  [
    'f, a small file',
    ['PUT', new RegExp(`${bag}data\\/workspace\\/[^/?]+\\/`), 1],
    [...outages(storeAway), ['reset', 'down'], ['answer-lost', 'down'], ['slow', 'down'], ...lies],
  ],
  [
    'h, a log',
    ['PUT', new RegExp(`${bag}data\\/logs\\/stdout`), 1],
    [
      ['hang', storeAway],
      ['reset', 'down'],
      ['answer-lost', 'down'],
      ['slow-down', storeAway],
      ['vanished', 'kept store-mismatch'],
    ],
  ],
  [
    'i, the manifest',
    ['PUT', new RegExp(`${bag}manifest`), 1],
    [
      ['hang', storeAway],
      ['refused', storeAway],
      ['slow-down', storeAway],
      ['reset', 'down'],
      ['answer-lost', 'down'],
      ...lies,
    ],
  ],
  [
    'j, what the store holds before',
    ['GET', /list-type=2/, 1],
    [
      ['hang', storeAway],
      ['refused', storeAway],
      ['slow-down', storeAway],
      ['reset', 'down'],
      ['answer-lost', 'down'],
    ],
  ],
  [
    'j, what the store holds after',
    ['GET', /list-type=2/, 2],
    [
      ['hang', storeAway],
      ['refused', storeAway],
      ['slow-down', storeAway],
      ['revoked-keys', storeAway],
      ['reset', 'down'],
      ['answer-lost', 'down'],
      ['vanished', 'kept store-mismatch'],
      ['cut', 'kept store-mismatch'],
      ['stale-etag', 'down'],
    ],
  ],
  [
    'i, the commit',
    ['PUT', new RegExp(`${bag}bagit`), 1],
    [...outages(storeAway), ['reset', 'down'], ['answer-lost', 'down'], ...lies],
  ],
  [
    'k, the commit is read back',
    ['GET', new RegExp(`${bag}bagit`), 1],
    [
      ['hang', storeAway],
      ['refused', storeAway],
      ['slow-down', storeAway],
      ['reset', 'down'],
      ['answer-lost', 'down'],
      ['cut', 'kept store-mismatch'],
      ['flipped-bit', 'kept store-mismatch'],
    ],
  ],
  [
    'n, the bags are looked at again',
    ['GET', /list-type=2/, 5],
    [...outages('unconfirmed store-unavailable'), ['reset', 'down'], ['answer-lost', 'down']],
  ],
  [
    'o, the end is recorded',
    ['PUT', /session\.json\?/, 2],
    [...outages('down'), ['reset', 'down'], ['answer-lost', 'down']],
  ],
]

export const cells: readonly Cell[] = [
  ...engineSteps.flatMap(([step, [method, url, nth], outcomes]) =>
    outcomes.map(([fault, first]): Cell => ({ step, first, at: 'engine', strike: { fault, method, url, nth } })),
  ),
  ...s3Steps.flatMap(([step, [method, url, nth], outcomes]) =>
    outcomes.map(([fault, first]): Cell => {
      return { step, first, at: 's3', strike: { fault, method, url, nth, standing: lasting.has(fault) } }
    }),
  ),
]
