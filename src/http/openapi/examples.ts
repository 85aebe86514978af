// The examples of the document: real requests and what the service answered, recorded by test/src/http/openapi/examples.test.ts,
// which asks them all again and refuses any that is not answered so.

import { readFileSync } from 'node:fs'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

export const Example = Type.Object({
  /** What it shows. */
  title: Type.String(),
  request: Type.Object({
    params: Type.Record(Type.String(), Type.String()),
    headers: Type.Record(Type.String(), Type.String()),
    body: Type.Optional(Type.Unknown()),
  }),
  status: Type.Integer(),
  /** The headers of the answer that the document names. */
  headers: Type.Record(Type.String(), Type.String()),
  /** Text where it is not JSON. */
  body: Type.Unknown(),
})
export type Example = Static<typeof Example>

export const Examples = Type.Object({
  /** By the name of the call. */
  calls: Type.Record(Type.String(), Type.Array(Example)),
  /** One body of each problem that was seen, by its code. */
  problems: Type.Record(Type.String(), Type.Unknown()),
})
export type Examples = Static<typeof Examples>

export const examplesFile = new URL('./examples.json', import.meta.url)

export const readExamples = (): Examples => Value.Parse(Examples, JSON.parse(readFileSync(examplesFile, 'utf8')))
