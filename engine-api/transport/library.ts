// What the HTTP library gives to those who take an answer from it piece by piece.

/** The part of its handle on a running request that is needed here. */
export interface Running {
  abort(reason: Error): void
}

/** By their names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>
