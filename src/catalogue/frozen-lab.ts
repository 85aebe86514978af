// A lab as a session froze it: what was true at up stays true for late joiners and for down, whatever the catalogue says later.

import { createHash } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { CollectRules, Lab } from './schema.ts'

/** The lab's definition plus the image it resolved to at up: sandboxes are made of that, whatever its tag says later. */
export const FrozenLab = Type.Composite([
  Lab,
  Type.Object({
    name: Type.String(),
    /** The engine's own; another engine may have another one for the same image. */
    imageId: Type.String(),
    /** As a registry names it, wherever the image is; absent for one that was never in a registry. */
    imageDigest: Type.Optional(Type.String()),
  }),
])
export type FrozenLab = Static<typeof FrozenLab>

/** What a down needs to know of the lab; it is the `collect` label of every sandbox. */
export const FrozenCollect = Type.Object({
  workspace: Type.String(),
  stopSeconds: Type.Integer(),
  rules: CollectRules,
})
export type FrozenCollect = Static<typeof FrozenCollect>

const frozenCollect = TypeCompiler.Compile(FrozenCollect)

export const freezeCollect = (lab: FrozenLab): FrozenCollect => ({
  workspace: lab.workspace,
  stopSeconds: lab.stopSeconds,
  rules: lab.collect,
})

/** Undefined where a label does not hold what this version writes. */
export function parseFrozenCollect(label: string): FrozenCollect | undefined {
  try {
    const value: unknown = JSON.parse(label)
    return frozenCollect.Check(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** The `spec` label: equal for equal labs, whatever the order of their keys. */
export function specHash(lab: FrozenLab): string {
  return createHash('sha256').update(canonical(lab)).digest('hex').slice(0, 32)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`
}
