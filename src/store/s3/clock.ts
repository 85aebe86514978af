// The server's clock, as its answers tell it. What is signed by it is valid for as long as it says, however wrong the clock of this machine is.

/** S3 servers refuse at 15 minutes. */
const toleratedMs = 10 * 60_000

export class StoreClock {
  #aheadMs = 0

  /** Takes the `Date` of an answer that has just come. */
  note(date: string | undefined): void {
    const time = date === undefined ? Number.NaN : Date.parse(date)
    if (Number.isFinite(time)) this.#aheadMs = time - Date.now()
  }

  now(): Date {
    return new Date(Date.now() + this.#aheadMs)
  }

  /** By how much the server's clock is ahead or behind, in words; undefined where it is not too much. */
  difference(): string | undefined {
    if (Math.abs(this.#aheadMs) <= toleratedMs) return undefined
    const minutes = Math.round(Math.abs(this.#aheadMs) / 60_000)
    return `${minutes} minutes ${this.#aheadMs > 0 ? 'ahead of' : 'behind'}`
  }
}
