// What ups of this process were let through to make, and the engine may not show yet. Without it two ups at once would both
// find room for themselves. It is memory only: after a crash the session's record says who was still to come up.

import type { SessionShare } from './usage.ts'

/** One up or plan, from its first question to the engine until its work has ended. */
export interface Look {
  /** All that was reserved at any time since the look began: the engine may not have shown it. To be judged by at once. */
  reserved(): readonly SessionShare[]
  /** What was let through, in the same moment in which it was judged. */
  reserve(share: SessionShare): void
  /** What was reserved is on the engine by now, or will never be. */
  end(): void
}

export class Reservations {
  readonly #current = new Set<SessionShare>()
  /** For each look that is under way: what was released since it began, and so may be on the engine without being seen. */
  readonly #looks = new Set<SessionShare[]>()

  look(): Look {
    const released: SessionShare[] = []
    this.#looks.add(released)
    let reservation: SessionShare | undefined
    return {
      reserved: () => [...released, ...this.#current],
      reserve: (share) => {
        reservation = share
        this.#looks.delete(released)
        this.#current.add(share)
      },
      end: () => {
        this.#looks.delete(released)
        if (reservation === undefined) return
        this.#current.delete(reservation)
        for (const each of this.#looks) each.push(reservation)
      },
    }
  }

  current(): readonly SessionShare[] {
    return [...this.#current]
  }
}
