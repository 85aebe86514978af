// What an operator may write in the catalogue. Every object is closed: a misspelt key is an error, never ignored.
// There is no field for a mount, a device, a network or any other engine setting: a lab can only loosen named things.

import { type Static, Type } from '@sinclair/typebox'
import { idPattern } from '../names.ts'

const closed = { additionalProperties: false } as const
/** TypeBox fills in the defaults inside a nested object only where the object itself has a default. */
const filled = { ...closed, default: {} } as const

/** TypeBox puts a default where the file has none; a description is what an operator reads when the value is wrong. */
export const Id = Type.String({
  pattern: idPattern,
  description: 'an id is 1 to 30 letters, digits and single hyphens inside',
})

/** A directory two levels deep at least: its parent is where the volume is mounted, so that the student can own it. */
const Workspace = Type.String({
  pattern: '^(?!/(?:tmp|proc|sys|dev)/)(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}$',
  maxLength: 200,
  description:
    'the workspace is an absolute directory at least two levels deep, such as /home/student, and not below /tmp, /proc, /sys or /dev',
  default: '/home/student',
})

/** What an engine gives every container unasked, less what makes devices, hands capabilities on or reaches the kernel. */
const capabilities = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'KILL',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SETGID',
  'SETUID',
] as const

const Capability = Type.Union(
  capabilities.map((name) => Type.Literal(name)),
  { description: `a capability is one of ${capabilities.join(', ')}` },
)

const Command = Type.Array(Type.String({ maxLength: 4096 }), { minItems: 1, maxItems: 64 })

export const CollectRules = Type.Object(
  {
    /** Globs on paths relative to the workspace: `*`, `?`, `**`. What matches is named as skipped, not stored. */
    exclude: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 100, default: [] }),
    /** Over these the sandbox is kept and the student reported. */
    maxBytes: Type.Integer({ minimum: 1, default: 1_073_741_824 }),
    maxFiles: Type.Integer({ minimum: 1, default: 100_000 }),
    /** A single file over this is named as skipped, not stored. Default: no such limit. */
    maxFileBytes: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Run in the sandbox before it is stopped; a failure is recorded and does not stop the collection. */
    beforeCollect: Type.Optional(
      Type.Object({ command: Command, timeoutSeconds: Type.Integer({ minimum: 1, maximum: 600 }) }, closed),
    ),
  },
  filled,
)

export const Lab = Type.Object(
  {
    image: Type.String({ minLength: 1, maxLength: 512 }),
    command: Type.Optional(Command),
    env: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String({ maxLength: 8192 }), {
        ...closed,
        keyRule: "it has letters, digits and '_', and begins with no digit",
      }),
    ),
    /**
     * Numeric `uid:gid`, never root: the workspace is made to belong to it. Absent: each sandbox has a uid of its own. To be
     * fixed only for an image whose programs need a user that it knows; its sandboxes then share what the kernel counts by uid.
     */
    user: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,8}:[1-9][0-9]{0,8}$',
        description: 'the user is numeric and not root, such as 1000:1000',
      }),
    ),
    workspace: Workspace,
    port: Type.Integer({ minimum: 1, maximum: 65535, default: 8080 }),
    cpus: Type.Number({ minimum: 0.01, maximum: 256 }),
    /** The engine refuses less than 6 MiB. */
    memoryMb: Type.Integer({ minimum: 6, maximum: 4_194_304 }),
    pids: Type.Integer({ minimum: 1, maximum: 65536, default: 256 }),
    /** Size of /tmp, which is memory, counts against memoryMb and is never collected. */
    tmpMb: Type.Integer({ minimum: 1, maximum: 1_048_576, default: 64 }),
    /** These three loosen the sandbox, and nothing else does. With internet it reaches what the engine's host can reach. */
    internet: Type.Boolean({ default: false }),
    /** What is written outside the workspace is never collected. */
    writableRoot: Type.Optional(Type.Boolean()),
    /**
     * For programs of the image that carry them (by setuid or as file capabilities), such as ping. A student's user is not
     * root and gains them in no other way, so such a sandbox is without no-new-privileges.
     */
    capabilities: Type.Optional(Type.Array(Capability, { minItems: 1, uniqueItems: true })),
    /** A runtime that keeps sandboxes further from the host's kernel than the engine's default; the engine must have it. */
    runtime: Type.Optional(Type.Union([Type.Literal('runsc'), Type.Literal('sysbox-runc')])),
    /** Between the stop signal and the kill. */
    stopSeconds: Type.Integer({ minimum: 0, maximum: 600, default: 10 }),
    healthCheck: Type.Optional(
      Type.Object({ command: Command, intervalSeconds: Type.Integer({ minimum: 1, maximum: 3600 }) }, closed),
    ),
    collect: CollectRules,
    ttlMinutes: Type.Integer({ minimum: 1, maximum: 525_600, default: 180 }),
    maxLifeMinutes: Type.Integer({ minimum: 1, maximum: 525_600, default: 720 }),
  },
  filled,
)

/** Of all classes of a subject that are up at once; what is absent has no limit. */
export const Quota = Type.Object(
  {
    classes: Type.Optional(Type.Integer({ minimum: 0 })),
    students: Type.Optional(Type.Integer({ minimum: 0 })),
    cpus: Type.Optional(Type.Number({ minimum: 0 })),
    memoryMb: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  closed,
)

export const CatalogueFile = Type.Object(
  {
    labs: Type.Record(Id, Lab, closed),
    subjects: Type.Record(
      Id,
      Type.Object({ labs: Type.Array(Id, { minItems: 1 }), quota: Type.Optional(Quota) }, closed),
      closed,
    ),
    classes: Type.Record(
      Id,
      Type.Object(
        {
          subject: Id,
          teachers: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { default: [] }),
          students: Type.Array(Id, { maxItems: 1000 }),
          lab: Id,
        },
        filled,
      ),
      closed,
    ),
  },
  closed,
)

export type CollectRules = Static<typeof CollectRules>
export type Lab = Static<typeof Lab>
export type Quota = Static<typeof Quota>
export type CatalogueFile = Static<typeof CatalogueFile>
