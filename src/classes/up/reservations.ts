// What ups of this process were let through to make, and the engine may not show yet. Without it two ups at once would both
// find room for themselves. It is memory only: after a crash the session's record says who was still to come up.

import type { SessionShare } from './usage.ts'

export class Reservations {
  readonly #current = new Set<SessionShare>()
  /** For each look that is under way: what was released since it began, and so may be on the engine without being seen. */
  readonly #looks = new Set<SessionShare[]>()

  /** `look` at what there is, then `judge` it at one moment, with all that was reserved at any time since the look began. */
  async consider<Seen, Result>(
    look: () => Promise<Seen>,
    judge: (seen: Seen, reserved: readonly SessionShare[]) => Result,
  ): Promise<Result> {
    const released: SessionShare[] = []
    this.#looks.add(released)
    try {
      const seen = await look()
      return judge(seen, [...released, ...this.#current])
    } finally {
      this.#looks.delete(released)
    }
  }

  /** As `consider`; what `judge` lets through is reserved in the same moment, until `work` has ended. */
  async hold<Seen, Admitted extends { readonly reservation: SessionShare }, Result>(
    look: () => Promise<Seen>,
    judge: (seen: Seen, reserved: readonly SessionShare[]) => Admitted,
    work: (admitted: Admitted) => Promise<Result>,
  ): Promise<Result> {
    const admitted = await this.consider(look, (seen, reserved) => {
      const judged = judge(seen, reserved)
      this.#current.add(judged.reservation)
      return judged
    })
    try {
      return await work(admitted)
    } finally {
      this.#current.delete(admitted.reservation)
      for (const released of this.#looks) released.push(admitted.reservation)
    }
  }

  current(): readonly SessionShare[] {
    return [...this.#current]
  }
}
