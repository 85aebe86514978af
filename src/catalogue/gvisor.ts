// What is different for a lab on gVisor (`runtime` runsc), as it was measured.

import type { Lab } from './schema.ts'

/**
 * Its own processes count against a lab's limits, and where it meets one it ends all programs of the sandbox. The least leaves room
 * for some forty small programs.
 */
const needs = {
  pids: { least: 128, takes: 'some 40 for itself and two for each program' },
  memoryMb: { least: 64, takes: 'some 16 for itself and half of one for each program' },
} as const

const isGvisor = ({ runtime }: Pick<Lab, 'runtime'>): boolean => runtime === 'runsc'

/** The first of its limits that is too small for gVisor, and why. */
export function lackOnGvisor(lab: Lab): { readonly field: keyof typeof needs; readonly reason: string } | undefined {
  if (!isGvisor(lab)) return undefined
  for (const field of ['pids', 'memoryMb'] as const) {
    const { least, takes } = needs[field]
    if (lab[field] < least)
      return { field, reason: `with runtime 'runsc' it is at least ${least}: gVisor takes ${takes}` }
  }
  return undefined
}

/** Engines answer look-ups of names by rules of the host's kernel, which packets of gVisor do not pass. */
export const resolvesNames = (lab: Pick<Lab, 'runtime'>): boolean => !isGvisor(lab)

export const resolvesNamesDescription =
  'False on gVisor: no name is resolved in its sandboxes, of classmates or outside. Addresses work.'
