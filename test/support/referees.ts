// The referees of this process's installations: one before the engine for each, and told of what tests make sandboxes hold.

import { join } from 'node:path'
import { findSandbox } from '../referee/plant.ts'
import { type Referee, startReferee } from '../referee/referee.ts'
import { tellTruth } from '../referee/truth.ts'
import { engineHost } from './live.ts'

const engineSocket = (): string => engineHost().slice('unix://'.length)

const truthFiles = new Map<string, string>()

export interface RefereeOfInstallation extends Referee {
  /** `unix://...`: the engine, as far as the referee lets through. */
  readonly host: string
}

/** `store` as startReferee takes it; the referee's files are in `folder`. */
export async function openReferee(of: {
  readonly installation: string
  readonly folder: string
  readonly store: string
}): Promise<RefereeOfInstallation> {
  const listenSocket = join(of.folder, 'referee.sock')
  const truthFile = join(of.folder, 'truth.jsonl')
  const violationsFile = join(of.folder, 'violations.jsonl')
  truthFiles.set(of.installation, truthFile)
  const options = { engineSocket: engineSocket(), listenSocket, store: of.store, truthFile, violationsFile }
  const referee = await startReferee(options)
  return Object.assign(referee, { host: `unix://${listenSocket}` })
}

/** From now on the sandbox holds these files (path below the workspace -> SHA-256); the last word counts. */
export async function tellReferee(container: string, sums: ReadonlyMap<string, string>): Promise<void> {
  const { student, installation } = await findSandbox(engineSocket(), container)
  const truthFile = truthFiles.get(installation)
  if (truthFile === undefined) throw new Error(`${container} is of no installation of this test`)
  const files = new Map([...sums].map(([path, sum]) => [Buffer.from(path).toString('base64'), sum]))
  await tellTruth(truthFile, student, files)
}
