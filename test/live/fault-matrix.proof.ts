// Steps of a down, and of an up, × faults of engine and store: after each, what the service said is true, nothing is lost by the
// referee's word, and the next call finishes. Every step and every fault is in what always runs; FAULT_MATRIX=all runs every cell, and
// FAULT_MATRIX=<words> those whose name holds the words.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runCell } from '../faults/cell.ts'
import { cells } from '../faults/matrix.ts'
import { bucketArtifacts } from '../support/artifacts.ts'
import { cleanUpOfSuite } from '../support/faults.ts'
import { s3Server, skipWithoutStore } from '../support/live.ts'

/** Most of a cell's time is waiting: for the engine, or for a limit to be reached. */
const atOnce = 3

const words = process.env['FAULT_MATRIX'] ?? ''
const named = cells.map((cell, number) => {
  return { cell, number, name: `${cell.step}: ${cell.strike.fault} → ${cell.first}` }
})
const ran = words === '' ? sample() : named.filter(({ name }) => words === 'all' || name.includes(words))

/** Few cells that meet every step, and every fault of engine and store: first those of which both are new, then one. */
function sample(): typeof named {
  const met = new Set<string>()
  const taken = new Set<(typeof named)[number]>()
  for (const least of [2, 1]) {
    for (const entry of named) {
      const { step, at, strike } = entry.cell
      const fresh = [step, `${at} ${strike.fault}`].filter((each) => !met.has(each))
      if (fresh.length < least) continue
      for (const each of fresh) met.add(each)
      taken.add(entry)
    }
  }
  return [...taken]
}

describe('steps of a down and an up × faults', {
  skip: skipWithoutStore('s3'),
  timeout: 3_600_000,
  concurrency: atOnce,
}, () => {
  const cleanUp = cleanUpOfSuite(after)
  const bucket = `matrix-${randomBytes(4).toString('hex')}`
  let folder = ''

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'matrix-'))
    cleanUp.after(async () => {
      await bucketArtifacts(s3Server(), bucket).removeAll()
      await rm(folder, { recursive: true })
    })
  })

  for (const { cell, number, name } of ran) {
    test(name, async () => {
      const own = await mkdtemp(join(folder, `${number}-`))
      await runCell({ folder: own, number, server: s3Server(), bucket }, cell)
    })
  }

  after(() => console.log(`fault matrix: ${ran.length} of ${cells.length} cells ran`))
})
