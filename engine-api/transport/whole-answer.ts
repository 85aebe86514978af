// An answer that is taken whole: no stream stands between its connection and its text, which halves what a call costs.

import { ANSWER_TEXT_LIMIT, REFUSAL_TEXT_LIMIT } from './body-text.ts'
import type { Headers, Running } from './library.ts'

export interface WholeAnswer {
  readonly status: number
  readonly headers: Headers
  /** Up to the limit of its status, or to where the connection broke. */
  readonly text: string
  /** There was more of it than the limit. */
  readonly isCut: boolean
  /** What broke the connection in the middle of it. */
  readonly fault?: Error
}

export interface WholeRequest {
  /** What the HTTP library calls. */
  readonly handler: {
    onRequestStart(running: Running): void
    onResponseStart(running: Running, status: number, headers: Headers): void
    onResponseData(running: Running, bytes: Buffer): void
    onResponseEnd(): void
    onResponseError(running: Running, error: Error): void
  }
  /** Rejects with what the HTTP library gave where there was no head of an answer. */
  readonly answer: Promise<WholeAnswer>
  /** Gives the request up, in whatever state it is, also where it begins only later. */
  abandon(reason: Error): void
}

interface Wishes {
  /** Of an answer with this status every byte counts; of others what a refusal says is enough. */
  isWanted(status: number): boolean
  onHead(status: number): void
}

export function wholeRequest({ isWanted, onHead }: Wishes): WholeRequest {
  let running: Running | undefined
  let abandoned: Error | undefined
  let head: { readonly status: number; readonly headers: Headers; readonly limit: number } | undefined
  const pieces: Buffer[] = []
  let length = 0
  let settle: { resolve(answer: WholeAnswer): void; reject(error: unknown): void } | undefined
  const answer = new Promise<WholeAnswer>((resolve, reject) => {
    settle = { resolve, reject }
  })

  const finish = (end: Partial<WholeAnswer> = {}): void => {
    if (head === undefined) return
    const { status, headers } = head
    settle?.resolve({ status, headers, text: Buffer.concat(pieces).toString(), isCut: false, ...end })
  }

  return {
    answer,
    abandon(reason) {
      abandoned = reason
      running?.abort(reason)
    },
    handler: {
      onRequestStart(started) {
        running = started
        if (abandoned !== undefined) started.abort(abandoned)
      },
      onResponseStart(_running, status, headers) {
        // 100 and its kin announce the answer.
        if (status < 200) return
        head = { status, headers, limit: isWanted(status) ? ANSWER_TEXT_LIMIT : REFUSAL_TEXT_LIMIT }
        onHead(status)
      },
      onResponseData(started, bytes) {
        const { limit = 0 } = head ?? {}
        pieces.push(bytes.subarray(0, limit - length))
        length += bytes.length
        if (length <= limit) return
        finish({ isCut: true })
        started.abort(new Error('the rest of the answer is not read'))
      },
      onResponseEnd: () => finish(),
      onResponseError(_running, error) {
        finish({ fault: error })
        settle?.reject(error)
      },
    },
  }
}
