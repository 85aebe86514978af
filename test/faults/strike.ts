// When a fault strikes: at the nth request of a kind, once or from then on. What it does is the proxy's business.

export interface Strike<Fault> {
  readonly fault: Fault
  /** Absent: of every method. */
  readonly method?: string
  /** Against the URL as it is sent, query included. */
  readonly url: RegExp
  /** Which of the matching requests, from 1. */
  readonly nth: number
  /** Every matching request from the nth on, not that one alone. */
  readonly standing?: boolean
}

export class StrikePlan<Fault> {
  #strike: Strike<Fault> | undefined
  #matched = 0
  #hits = 0

  /** From now on only this fault, or none. */
  set(strike: Strike<Fault> | undefined): void {
    this.#strike = strike
    this.#matched = 0
    this.#hits = 0
  }

  /** How often the present fault has struck. */
  get hits(): number {
    return this.#hits
  }

  /** To be asked once for each request. */
  take(method: string, url: string): Fault | undefined {
    const strike = this.#strike
    if (strike === undefined || (strike.method ?? method) !== method || !strike.url.test(url)) return undefined
    this.#matched += 1
    const struck = strike.standing === true ? this.#matched >= strike.nth : this.#matched === strike.nth
    if (!struck) return undefined
    this.#hits += 1
    return strike.fault
  }
}
