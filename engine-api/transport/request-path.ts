// Request paths: the only place where text becomes part of a URL, so nothing else encodes or forgets to.
// An empty or dotted segment is refused, since the server would read another route out of it.

import type { Endpoint } from '../endpoint.ts'
import { EngineError } from '../errors.ts'

/** Names of the placeholders of a path: `/containers/{id}/start` has `id`. */
export type Placeholders<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

/** Engine filters, such as `{ label: ['a=b'] }`: several values of one key must all hold for labels, any for the rest. */
export type Filters = Readonly<Record<string, readonly string[]>>

export type QueryValue = string | number | boolean | Filters | undefined

/**
 * The path and query of one call, without the version prefix.
 * Throws EngineError `invalid-argument` for an empty placeholder: the engine would answer another route's redirect.
 */
export function requestPath(
  endpoint: Endpoint,
  parameters: Readonly<Record<string, string>>,
  query: Readonly<Record<string, QueryValue>> = {},
): string {
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name]?.trim()
    if (value === undefined || value === '' || value === '.' || value === '..') {
      throw new EngineError(`the ${name} is empty`, {
        code: 'invalid-argument',
        endpoint: endpoint.name,
        retry: 'no',
      })
    }
    return percentEncode(value)
  })
  const pairs = endpoint.query.flatMap((name) => {
    const value = query[name]
    return value === undefined ? [] : [`${name}=${percentEncode(queryText(value))}`]
  })
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

/** Booleans as the engine reads them, filters as JSON. */
function queryText(value: Exclude<QueryValue, undefined>): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? '1' : '0'
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}

/** RFC 3986 percent-encoding of every byte outside the unreserved set: one path segment or one query value. */
function percentEncode(value: string): string {
  if (/^[A-Za-z0-9._~-]*$/.test(value)) return value
  let encoded = ''
  for (const byte of Buffer.from(value)) {
    const character = String.fromCharCode(byte)
    encoded += /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
