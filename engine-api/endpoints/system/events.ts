// GET /events: what happens on the engine, as it happens. engine-api/events.ts makes one unbroken sequence of it.
// Nothing marks lost events. The engine keeps the last 256, and drops some for a reader that is slow.

import { type Static, Type } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { defineEndpoint } from '../../endpoint.ts'
import { EngineError } from '../../errors.ts'
import { readRecords } from '../../streams/ndjson.ts'
import { checkAnswer } from '../../transport/answer.ts'
import type { CallOptions, Transport } from '../../transport/call.ts'
import type { Filters } from '../../transport/request-path.ts'

const EngineEventSchema = Type.Object({
  /** Such as `container`, `network`, `volume`, `image`. */
  Type: Type.String(),
  /** Such as `start`, `die`, `destroy`, `exec_die`, `health_status: healthy`. */
  Action: Type.String(),
  Actor: Type.Object({
    /** Id of a container, network or image, name of a volume. */
    ID: Type.String(),
    /** A container's labels, its `name`, `image` and, when it ended, its `exitCode`. */
    Attributes: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  }),
  /** Nanoseconds since 1970 by the engine's clock. Rounded: a number of JavaScript tells apart steps of 256 ns. */
  timeNano: Type.Integer({ minimum: 1_000_000_000 }),
})

export type EngineEvent = Static<typeof EngineEventSchema>

/** Podman reports a failure inside the stream as its error object, without the name that Docker gives errors. */
const failureSchema = TypeCompiler.Compile(Type.Object({ message: Type.String(), Type: Type.Optional(Type.Never()) }))

export const systemEvents = defineEndpoint({
  name: 'system-events',
  method: 'GET',
  path: '/events',
  query: ['since', 'until', 'filters'],
  statuses: { 200: 'open' },
  timeout: 'unbounded',
  retry: 'same',
  answer: TypeCompiler.Compile(EngineEventSchema),
  differences: [
    {
      engines: 'Docker 20.10',
      does: 'takes a filter name that it does not know without a word, and then filters nothing by it',
      client: 'nothing',
    },
  ],
  notes: ['The answer is a stream of records, checked one by one. Without `until` the engine does not end it.'],
})

export interface SystemEventsOptions extends CallOptions {
  /** First and last moment: Unix seconds, with up to 9 decimals. */
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly filters?: Filters | undefined
}

/** Resolves when the engine has begun to watch: every later event is in the sequence, which is iterated or aborted. */
export async function openEvents(
  transport: Transport,
  { signal, ...query }: SystemEventsOptions = {},
): Promise<AsyncIterable<EngineEvent>> {
  const { chunks } = await transport.stream(systemEvents, { path: {}, query, signal })
  return checkedEvents(chunks)
}

async function* checkedEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<EngineEvent, void, undefined> {
  for await (const record of readRecords(systemEvents.name, chunks)) {
    if (failureSchema.Check(record)) {
      const engineMessage = record.message
      throw new EngineError(`the engine reports: ${engineMessage}`, {
        code: 'server-error',
        endpoint: systemEvents.name,
        engineMessage,
        retry: 'same',
      })
    }
    yield checkAnswer(systemEvents.name, systemEvents.answer, record)
  }
}
