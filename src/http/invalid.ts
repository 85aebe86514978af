// What is wrong with a request, in the words of who has to mend it: never a regular expression, never a word of JSON Schema.

import type { FastifyError } from 'fastify'

type Invalid = NonNullable<FastifyError['validation']>[number]

/** Names the field, then what is wrong with it. */
export function describeInvalid(context: string | undefined, invalid: Invalid): string {
  const { params, keyword } = invalid
  const isQuery = context === 'querystring'
  const kind = isQuery ? 'Query field' : 'Field'
  const place = context === 'body' || isQuery ? undefined : context
  const parts = [place, ...invalid.instancePath.split('/').slice(1)].filter((part) => part !== undefined)
  const field = parts.join('.')
  const named = (property: unknown) => [...parts, String(property)].join('.')
  if (keyword === 'additionalProperties') {
    const unknown = shortened(named(params['additionalProperty']))
    return isQuery
      ? `Unknown query field '${unknown}'. This call takes no such field: leave it out.`
      : `Unknown field '${unknown}'. Only class actions exist: leave it out.`
  }
  if (keyword === 'required') return `${kind} '${named(params['missingProperty'])}' is missing.`
  const what = field === '' ? 'The body' : `${kind} '${field}'`
  const words = keyword === 'pattern' ? descriptionOf(invalid) : undefined
  return words === undefined ? `${what} ${fault(invalid)}.` : `${what} is not valid: ${words}.`
}

/** With `verbose`, Ajv adds the schema that was not met. */
function descriptionOf(invalid: Invalid): string | undefined {
  const schema = 'parentSchema' in invalid ? invalid.parentSchema : undefined
  if (typeof schema !== 'object' || schema === null || !('description' in schema)) return undefined
  return typeof schema.description === 'string' ? schema.description : undefined
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'a JSON object',
  array: 'a list',
}

function fault({ keyword, params }: Invalid): string {
  const limit = Number(params['limit'])
  switch (keyword) {
    case 'type':
      return `must be ${typeWords[String(params['type'])] ?? 'of another type'}`
    case 'minimum':
      return `must be ${limit} or more`
    case 'maximum':
      return `must be ${limit} or less`
    case 'minLength':
      return `must have ${counted(limit, 'character')} or more`
    case 'maxLength':
      return `must have ${counted(limit, 'character')} or fewer`
    case 'minItems':
      return `must have ${counted(limit, 'entry', 'entries')} or more`
    case 'maxItems':
      return `must have ${counted(limit, 'entry', 'entries')} or fewer`
    case 'uniqueItems':
      return 'has an entry twice'
    default:
      return 'is not valid'
  }
}

const counted = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`

const longestName = 100

/** A name of the caller's own may be as long as a body, and would be in the answer and in the log. */
const shortened = (name: string): string => (name.length > longestName ? `${name.slice(0, longestName)}…` : name)
