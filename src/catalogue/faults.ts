// What is wrong in the operator's file, in one line of words: the place in it, what stands there, what is right.

import type { TSchema } from '@sinclair/typebox'
import { type ValueError, ValueErrorType } from '@sinclair/typebox/compiler'
import { nearest, visible } from '../spelling.ts'
import { Id } from './schema.ts'

/** A catalogue file that cannot be used; the message names the place in the file and what is wrong there. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError'

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(visible(shortened(message)), options)
  }
}

/** A name in the file may be as long as the file; what is wrong, and where, stands at both ends. */
const shortened = (message: string): string =>
  message.length <= 600 ? message : `${message.slice(0, 400)} … ${message.slice(-190)}`

/** A place as a JSON pointer; `at` is the place whose line is told, where that is another one. */
export class CatalogueFault extends Error {
  readonly path: string
  readonly at: string

  constructor(path: string, message: string, at = path) {
    super(message)
    this.path = path
    this.at = at
  }
}

export function didYouMean(name: string, known: Iterable<string>): string {
  const found = nearest(name, known)
  return found === undefined ? '' : `; did you mean '${found}'?`
}

/** More are not looked through for a key that is unknown. */
const errorsRead = 10_000

/** A misspelt key goes first: what it was meant as is then missing, and to say only that would mislead. */
export function faultOf(errors: Iterable<ValueError>): CatalogueFault {
  let first: ValueError | undefined
  let read = 0
  for (const error of errors) {
    first ??= error
    if (error.type === ValueErrorType.ObjectAdditionalProperties) return unknownKey(error)
    if (++read === errorsRead) break
  }
  return first ? inWords(first) : new CatalogueFault('', 'it is not a catalogue')
}

function unknownKey({ schema, path }: ValueError): CatalogueFault {
  const key = lastOf(path)
  const parent = parentOf(path)
  const names = Object.keys(schema['properties'] ?? {})
  if (names.length > 0) return new CatalogueFault(parent, `unknown key '${key}'${didYouMean(key, names)}`, path)
  const rule = schema['keyRule'] ?? Id.description
  return new CatalogueFault(parent, `'${key}' cannot be a name here: ${rule}`, path)
}

function inWords({ type, schema, path, value }: ValueError): CatalogueFault {
  if (type === ValueErrorType.ObjectRequiredProperty) {
    const parent = parentOf(path)
    return new CatalogueFault(parent, `'${lastOf(path)}' is missing`)
  }
  if (type === ValueErrorType.ArrayUniqueItems) return new CatalogueFault(path, 'something stands twice in the list')
  return new CatalogueFault(path, `${expected(schema)}; it is ${shown(path, value)}`)
}

function expected(schema: TSchema): string {
  if (schema.description !== undefined) return schema.description
  if (Array.isArray(schema['anyOf'])) {
    const names = schema['anyOf'].map((each: TSchema) => `'${each['const']}'`)
    return `it must be one of ${names.join(', ')}`
  }
  const [least, most] = [schema['minimum'], schema['maximum']]
  switch (schema['type']) {
    case 'integer':
      return `it must be a whole number${between(least, most)}`
    case 'number':
      return `it must be a number${between(least, most)}`
    case 'boolean':
      return 'it must be true or false'
    case 'string':
      return `it must be a text in quotes${between(schema['minLength'], schema['maxLength'], ' characters')}`
    case 'array':
      return `it must be a list in [ ]${between(schema['minItems'], schema['maxItems'], ' items')}`
    default:
      return 'it must be an object in { }'
  }
}

function between(least: unknown, most: unknown, unit = ''): string {
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}${unit}`
  if (least !== undefined) return `, at least ${least}${unit}`
  return most === undefined ? '' : `, at most ${most}${unit}`
}

/** A lab's environment may hold secrets: nothing of it is shown. */
function shown(path: string, value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  if (typeof value !== 'string') return String(value)
  if (value.length > 60 || /^\/labs\/[^/]+\/env\//.test(path)) return `a text of ${value.length} characters`
  return `'${value}'`
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

const lastOf = (path: string): string =>
  path
    .slice(path.lastIndexOf('/') + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')
