// Checking what the engine sent. Schemas hold only the fields we use; unknown fields pass, so newer engines do too.

import type { Static, TSchema } from '@sinclair/typebox'
import type { TypeCheck } from '@sinclair/typebox/compiler'
import { EngineError } from '../errors.ts'

/** The value with the schema's type. Throws EngineError `protocol` naming the first field that does not fit. */
export function checkAnswer<Schema extends TSchema>(
  endpoint: string,
  check: TypeCheck<Schema>,
  value: unknown,
): Static<Schema> {
  if (check.Check(value)) return value
  const first = check.Errors(value).First()
  const field = first === undefined || first.path === '' ? 'the answer' : first.path.slice(1).replaceAll('/', '.')
  throw new EngineError(
    `the engine's answer has another shape than the API's: ${field}: ${first?.message ?? 'wrong'}`,
    {
      code: 'protocol',
      endpoint,
      retry: 'no',
    },
  )
}

/** JSON text as a value. Throws EngineError `protocol` for anything else. */
export function parseJson(endpoint: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EngineError('the engine answered text that is not JSON', {
      code: 'protocol',
      endpoint,
      retry: 'no',
      engineMessage: text.slice(0, 200),
      cause,
    })
  }
}
