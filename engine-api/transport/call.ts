// What a call takes and gives: the seam between endpoints and the transport. Path, query and body are named apart and
// typed by the endpoint record, so none can be passed for another.

import type { Static, TSchema } from '@sinclair/typebox'
import type { AnsweringEndpoint, Endpoint } from '../endpoint.ts'
import type { Placeholders, QueryValue } from './request-path.ts'

export interface CallOptions {
  /** Ends the call at once, also while it waits for a connection. */
  readonly signal?: AbortSignal | undefined
}

export interface Call<Path extends string = string, Query extends string = string> extends CallOptions {
  readonly path: { readonly [Name in Placeholders<Path>]: string }
  readonly query?: { readonly [Name in Query]?: QueryValue }
  readonly body?: { readonly json: object } | { readonly tar: AsyncIterable<Uint8Array> }
  /** How long the engine was asked to wait before it answers; added to the headers timeout. */
  readonly engineWaitsMs?: number
}

/** An answer that holds a connection until its body is read to the end, left early or dropped. */
export interface StreamedAnswer<Outcome extends string> {
  readonly outcome: Outcome
  /** The body as it comes, to be iterated once. Leaving early and errors free the connection. */
  readonly chunks: AsyncIterable<Buffer>
  header(name: string): string | undefined
  /** The whole body. EngineError `protocol` where it is absurdly large. */
  text(): Promise<string>
}

/** An answer that holds nothing any more. */
export interface TakenAnswer<Outcome extends string> {
  readonly outcome: Outcome
  readonly text: string
  header(name: string): string | undefined
}

/** A connection that both sides now write bytes of their own to. It is held until its chunks end or it is closed. */
export interface UpgradedConnection {
  /** What the engine sends until it ends its half, to be iterated once. Leaving early closes the connection. */
  readonly chunks: AsyncIterable<Buffer>
  /** Resolves when the bytes are on their way, so that awaiting it keeps to the engine's pace. */
  write(bytes: Uint8Array): Promise<void>
  /** Ends our half; what the engine sends still comes. */
  end(): Promise<void>
  /** Closes both halves; what is still awaited rejects with EngineError `aborted`. */
  close(): void
}

export interface Transport {
  /** Sends a call and gives its outcome. */
  send<Path extends string, Query extends string, Outcome extends string>(
    endpoint: Endpoint<Path, Query, Outcome>,
    call: Call<NoInfer<Path>, NoInfer<Query>>,
  ): Promise<Outcome>
  /** Sends a call and gives its answer when all of it is there. EngineError `protocol` where it is absurdly large. */
  take<Path extends string, Query extends string, Outcome extends string>(
    endpoint: Endpoint<Path, Query, Outcome>,
    call: Call<NoInfer<Path>, NoInfer<Query>>,
  ): Promise<TakenAnswer<Outcome>>
  /** Sends a call and gives its JSON answer, checked against the endpoint's `answer`. */
  json<Path extends string, Query extends string, Answer extends TSchema>(
    endpoint: AnsweringEndpoint<Path, Query, string, Answer>,
    call: Call<NoInfer<Path>, NoInfer<Query>>,
  ): Promise<Static<Answer>>
  /** Sends a call and gives its answer as soon as the head is there. */
  stream<Path extends string, Query extends string, Outcome extends string>(
    endpoint: Endpoint<Path, Query, Outcome>,
    call: Call<NoInfer<Path>, NoInfer<Query>>,
  ): Promise<StreamedAnswer<Outcome>>
  /** Sends a call that asks for an upgrade and gives the connection when the engine has switched. */
  upgrade<Path extends string, Query extends string>(
    endpoint: Endpoint<Path, Query>,
    call: Call<NoInfer<Path>, NoInfer<Query>>,
  ): Promise<UpgradedConnection>
  /** Ends all calls (EngineError `aborted`) and closes all connections. */
  close(): Promise<void>
}
