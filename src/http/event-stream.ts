// The server-sent events of one operation. An event says how things are, not what has changed: so a reader gets the newest
// view at the pace of the clock, or at their own where that is slower, and nothing is ever kept for them.

import { Readable } from 'node:stream'
import type { Operation } from '../operations/operations.ts'

/** A progress bar needs no more, and a class has thousands of changes a second. */
const leastGapMs = 250
/** Proxies cut a connection that says nothing for a minute, some after half of one. */
const quietMs = 15_000
/** The longest that a timer can wait, 24 days: no stream needs more. */
const longestTimerMs = 2 ** 31 - 1

/** Event `progress` with the view now and after changes while it runs, then one event `end`, unless `until` comes before. */
export class EventStream extends Readable {
  readonly #operation: Operation
  readonly #stopListening: () => void
  readonly #over: NodeJS.Timeout
  #quiet: NodeJS.Timeout
  /** Runs while it is too early for the next event. */
  #gap: NodeJS.Timeout | undefined
  #isAsked = false
  #isNews = true

  constructor(operation: Operation, until: number) {
    // Room for one event: the next is made when that one is on its way.
    super({ highWaterMark: 1, encoding: 'utf8' })
    this.#operation = operation
    this.#stopListening = operation.onChange(() => {
      this.#isNews = true
      this.#tell()
    })
    this.#over = setTimeout(() => this.push(null), Math.min(until - Date.now(), longestTimerMs))
    this.#quiet = setTimeout(() => this.#breakSilence(), quietMs)
  }

  override _read(): void {
    this.#isAsked = true
    this.#tell()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stopListening()
    for (const timer of [this.#over, this.#quiet, this.#gap]) clearTimeout(timer)
    done(error)
  }

  #tell(): void {
    const { running } = this.#operation
    if (!this.#isAsked || !this.#isNews || (running && this.#gap)) return
    this.#isNews = false
    if (running) {
      this.#gap = setTimeout(() => {
        this.#gap = undefined
        this.#tell()
      }, leastGapMs)
    }
    this.#send(`event: ${running ? 'progress' : 'end'}\ndata: ${JSON.stringify(this.#operation.view())}\n\n`)
    if (!running) this.push(null)
  }

  /** A comment, which every reader of events passes over. */
  #breakSilence(): void {
    if (this.#isAsked) this.#send(': nothing new\n\n')
    else this.#startQuiet()
  }

  #send(text: string): void {
    this.#isAsked = false
    this.#startQuiet()
    this.push(text)
  }

  #startQuiet(): void {
    clearTimeout(this.#quiet)
    this.#quiet = setTimeout(() => this.#breakSilence(), quietMs)
  }
}
