// The matrix as data: each step of a down-class, and some of an up-class, each fault that can strike it, and what that call must
// then say. Whatever it says, nothing may be lost, and the next call finishes: test/live/fault-matrix.proof.ts runs every cell.

import type { EngineFault, EngineStrike } from './engine-proxy.ts'
import type { S3Fault, S3Strike } from './s3-proxy.ts'

/**
 * What an up answers:
 * - `up`: 200, everybody runs
 * - `failed …`: 502, with the codes of those who did not come up
 * - `refused …`: a problem of the whole call, of this code
 *
 * What a down answers:
 * - `down`: 200, everything collected and gone
 * - `leaked …`: 200 and every bag committed, but something of that kind would not go
 * - `unconfirmed …`: 200 and everything gone, but the store would not show its bags again, for the reasons of these codes
 * - `kept …`: 502, with the codes of those who were not collected
 * - `refused …`: a problem of the whole call, of this code
 */
export type Outcome =
  | 'up'
  | `failed ${string}`
  | 'down'
  | `leaked ${string}`
  | `unconfirmed ${string}`
  | `kept ${string}`
  | `refused ${string}`

export type Cell = {
  readonly step: string
  /** The call that the fault strikes. */
  readonly during: 'up' | 'down'
  readonly first: Outcome
} & ({ readonly at: 'engine'; readonly strike: EngineStrike } | { readonly at: 's3'; readonly strike: S3Strike })

/** Method, URL, and which of the requests. One student is collected after the other, so the first is always the same one's. */
type Place = readonly [method: string, url: RegExp, nth: number]
type Outcomes<Fault> = readonly (readonly [fault: Fault, first: Outcome])[]
type Steps<Fault> = readonly (readonly [step: string, place: Place, outcomes: Outcomes<Fault>])[]

const unanswered = 'kept engine-unavailable'
const incomplete = 'kept archive-incomplete'
const storeAway = 'kept store-unavailable'
/** Before anything was stopped. */
const storeRefused = 'refused store-unavailable'

const archive = /\/containers\/[0-9a-f]{64}\/archive\?/
const inspect = /\/containers\/[0-9a-f]{64}\/json/

const tarCuts: Outcomes<EngineFault> = [
  ['broken-off', unanswered],
  ['cut-at-boundary', incomplete],
  ['cut-mid-file', incomplete],
  ['cut-mid-header', incomplete],
  ['one-zero-block', incomplete],
  ['bad-checksum', incomplete],
  ['wrong-size', incomplete],
]

/** An exec is for what only a running sandbox can tell: that it fails is noted, and stops nothing. */
const noted: Outcomes<EngineFault> = [
  ['hang', 'down'],
  ['reset', 'down'],
  ['error-500', 'down'],
]

const engineSteps: Steps<EngineFault> = [
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
    'b, a command in the sandbox is made',
    ['POST', /\/containers\/[0-9a-f]{64}\/exec$/, 1],
    [...noted, ['answer-lost', 'down']],
  ],
  ['b, the command is run', ['POST', /\/exec\/[0-9a-f]{64}\/start$/, 1], noted],
  ['b, what became of the command', ['GET', /\/exec\/[0-9a-f]{64}\/json$/, 1], noted],
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
      ['hang', 'leaked volume'],
      ['reset', 'down'],
      ['error-500', 'leaked volume'],
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

/** A lease keeps two processes out of each other's way, and no more: the work begins without it. */
const unheard = (first: 'up' | 'down', away: Outcome): Outcomes<S3Fault> => [
  ...outages(first).filter(([fault]) => fault !== 'refused'),
  ['refused', away],
  ['reset', first],
  ['answer-lost', first],
]

const s3Steps: Steps<S3Fault> = [
  ['a, the lease', ['PUT', /lease\.json\?/, 1], unheard('down', storeRefused)],
  [
    'a, the session’s record is read',
    ['GET', /session\.json\?/, 1],
    [...outages(storeRefused), ['reset', 'down'], ['answer-lost', 'down']],
  ],
  [
    'a, the down is recorded',
    ['PUT', /session\.json\?/, 1],
    [...outages(storeRefused), ['reset', 'down'], ['answer-lost', 'down']],
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
      // A list that ends early is told by its own XML.
      ['cut', storeAway],
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
    [
      ...outages('unconfirmed store-unavailable').filter(([fault]) => fault !== 'refused'),
      // Then nothing can be written down either: that no removal has begun.
      ['refused', storeRefused],
      ['reset', 'down'],
      ['answer-lost', 'down'],
    ],
  ],
  [
    'l, the removals are recorded',
    ['PUT', /session\.json\?/, 2],
    [...outages(storeRefused), ['reset', 'down'], ['answer-lost', 'down']],
  ],
  [
    'o, the end is recorded',
    ['PUT', /session\.json\?/, 3],
    [...outages('down'), ['reset', 'down'], ['answer-lost', 'down']],
  ],
  ['o, the lease is given back', ['DELETE', /lease\.json/, 1], unheard('down', 'down')],
]

const engineAway = 'refused engine-unavailable'

/** Of one student: what was made for both of them is taken back. */
const notMade: Outcomes<EngineFault> = [
  ['hang', 'failed unavailable'],
  ['reset', 'failed unavailable'],
  ['error-500', 'failed failed'],
  ['answer-lost', 'failed unavailable'],
]

/** That work can be collected is not proven, so nobody's sandbox is made. */
const notProven: Outcomes<EngineFault> = [
  ['hang', engineAway],
  ['reset', engineAway],
  ['error-500', 'refused up-failed'],
  ['answer-lost', engineAway],
]

const engineStepsOfUp: Steps<EngineFault> = [
  [
    'up, what the engine holds',
    ['GET', /\/containers\/json\?/, 1],
    [
      ['hang', engineAway],
      ['reset', 'up'],
      ['error-500', 'refused up-failed'],
    ],
  ],
  [
    'up, the network is made',
    ['POST', /\/networks\/create$/, 1],
    [
      ['hang', engineAway],
      ['reset', engineAway],
      ['error-500', 'refused up-failed'],
      ['answer-lost', engineAway],
    ],
  ],
  ['up, the proof has a volume', ['POST', /\/volumes\/create$/, 1], notProven],
  ['up, the proof has a container', ['POST', /\/containers\/create\?/, 1], notProven],
  ['up, the proof runs', ['POST', /\/start$/, 1], notProven],
  [
    'up, the proof is read',
    ['GET', archive, 1],
    [
      ['hang', engineAway],
      ['reset', 'up'],
      ['error-500', 'refused up-failed'],
      ['answer-lost', 'up'],
    ],
  ],
  // The first of each kind is the proof's.
  ['up, a volume is made', ['POST', /\/volumes\/create$/, 2], notMade],
  ['up, a container is made', ['POST', /\/containers\/create\?/, 2], notMade],
  ['up, a workspace is prepared', ['PUT', archive, 2], notMade],
  ['up, a container is started', ['POST', /\/start$/, 2], notMade],
  [
    'up, who runs',
    ['GET', /\/containers\/json\?/, 2],
    [
      ['hang', engineAway],
      ['reset', 'up'],
      ['error-500', 'refused up-failed'],
    ],
  ],
]

const s3StepsOfUp: Steps<S3Fault> = [
  ['up, the lease', ['PUT', /lease\.json\?/, 1], unheard('up', storeRefused)],
  [
    'up, what is wanted is recorded',
    ['PUT', /session\.json\?/, 1],
    [...outages(storeRefused), ['reset', 'up'], ['answer-lost', 'up']],
  ],
  [
    'up, who came up is recorded',
    ['PUT', /session\.json\?/, 2],
    [...outages(storeRefused), ['reset', 'up'], ['answer-lost', 'up']],
  ],
]

const engineCells = (during: Cell['during'], steps: Steps<EngineFault>): Cell[] =>
  steps.flatMap(([step, [method, url, nth], outcomes]) =>
    outcomes.map(([fault, first]): Cell => {
      return { step, during, first, at: 'engine', strike: { fault, method, url, nth } }
    }),
  )

const s3Cells = (during: Cell['during'], steps: Steps<S3Fault>): Cell[] =>
  steps.flatMap(([step, [method, url, nth], outcomes]) =>
    outcomes.map(([fault, first]): Cell => {
      return { step, during, first, at: 's3', strike: { fault, method, url, nth, standing: lasting.has(fault) } }
    }),
  )

export const cells: readonly Cell[] = [
  ...engineCells('down', engineSteps),
  ...s3Cells('down', s3Steps),
  ...engineCells('up', engineStepsOfUp),
  ...s3Cells('up', s3StepsOfUp),
]
