import { type Static, Type } from '@sinclair/typebox'
import { resolvesNames, resolvesNamesDescription } from '../../catalogue/gvisor.ts'
import type { Lab } from '../../catalogue/schema.ts'
import { Nullable } from '../../nullable.ts'
import { withProblems } from '../../port-problems.ts'
import type { ImageFacts } from '../../runtime/port.ts'
import { defineCall, json } from '../define-call.ts'

const LabState = Type.Object({
  name: Type.String(),
  image: Type.Object({
    reference: Type.String(),
    present: Type.Boolean(),
    id: Nullable(Type.String()),
    digest: Nullable(Type.String()),
    size: Nullable(Type.Integer({ description: 'Bytes.' })),
  }),
  cpus: Type.Number(),
  memoryMb: Type.Integer(),
  pids: Type.Integer(),
  internet: Type.Boolean(),
  writableRoot: Type.Boolean(),
  capabilities: Type.Array(Type.String()),
  runtime: Nullable(Type.String({ description: "Null: the engine's own." })),
  resolvesNames: Type.Boolean({ description: resolvesNamesDescription }),
  ttlMinutes: Type.Integer(),
  maxLifeMinutes: Type.Integer(),
})
type LabState = Static<typeof LabState>

export const LabList = Type.Object({ labs: Type.Array(LabState) })

export const listLabs = defineCall({
  name: 'list-labs',
  method: 'GET',
  url: '/room/labs',
  access: 'authenticated',
  summary: 'The labs, and whether the engine has their images',
  answers: { 200: json('The labs.', LabList) },
  problems: ['engine-unavailable'],
  async run({ classes: { runtime }, currentCatalogue }) {
    const { labs } = await currentCatalogue()
    const described = [...labs].map(async ([name, lab]) => {
      const image = await withProblems('engine-unavailable', () => runtime.image(lab.image))
      return describeLab(name, lab, image)
    })
    return { labs: await Promise.all(described) }
  },
})

function describeLab(name: string, lab: Lab, image: ImageFacts | undefined): LabState {
  const { cpus, memoryMb, pids, internet, writableRoot = false, capabilities = [], ttlMinutes, maxLifeMinutes } = lab
  return {
    name,
    image: {
      reference: lab.image,
      present: image !== undefined,
      id: image?.id ?? null,
      digest: image?.digest ?? null,
      size: image?.size ?? null,
    },
    cpus,
    memoryMb,
    pids,
    internet,
    writableRoot,
    capabilities,
    runtime: lab.runtime ?? null,
    resolvesNames: resolvesNames(lab),
    ttlMinutes,
    maxLifeMinutes,
  }
}
