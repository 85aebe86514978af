// Whether what the engine calls unhealthy is ill. A sandbox that was frozen is called so until its next probe, though none has failed:
// only an inspection tells, by its count of failures.

import type { Engine } from '../../../engine-api/index.ts'

/** An inspection waits for an archive of the same container, which no look may wait for. */
const inspectMs = 2_000

export class HealthLooks {
  readonly #engine: Engine
  /** Those with a failed probe, until they are seen to be well. */
  readonly #ill = new Set<string>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** For an unhealthy container; true as well where the engine does not say. */
  async isIll(id: string): Promise<boolean> {
    if (this.#ill.has(id)) return true
    const { State } = await this.#engine.containers.inspect(id, { signal: AbortSignal.timeout(inspectMs) })
    const isIll = State.Health?.Status === 'unhealthy' && State.Health.FailingStreak !== 0
    if (isIll) this.#ill.add(id)
    return isIll
  }

  isWell(id: string): void {
    this.#ill.delete(id)
  }
}
