// Turns an unknown value (an answer, a tool's output) into a typed one, or fails the test with the place that differs.

import assert from 'node:assert/strict'
import type { Static, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

export function shaped<Shape extends TSchema>(shape: Shape, value: unknown): Static<Shape> {
  if (Value.Check(shape, value)) return value
  const wrong = Value.Errors(shape, value).First()
  assert.fail(`${wrong?.path || '/'}: ${wrong?.message} in ${JSON.stringify(value, undefined, 2)?.slice(0, 1000)}`)
}
