// Random values that a schema accepts, drawn toward its edges and toward texts that a careless program would take for
// something else. Made from the schema itself, so what a schema is given later is drawn too.

import { KindGuard, type StringOptions, type TSchema } from '@sinclair/typebox'
import type { Random } from './random.ts'

const texts = [
  ...['', ' ', '\n', '\u0000', '"},"HostConfig":{"Privileged":true},"x":{"', '`) || Host(`x', `Z${'9'.repeat(29)}`],
  ...'x é 0 / .. ALL host none a SV001 A1-b2 PATH LD_PRELOAD DOCKER_HOST __proto__ constructor prototype'.split(' '),
  ...'--privileged HostConfig sleep busybox:1.36 1000:1000 1:1 999999999:999999999 /home/student /a/b'.split(' '),
  ...'/srv/x/y/z /etc/x /var/run /run/docker.sock /var/run/docker.sock:/x'.split(' '),
]

/** Throws for a kind of schema that it does not know, and for a pattern that none of its texts fits. */
export function drawValue(schema: TSchema, random: Random): unknown {
  const fraction = () => random.below(2 ** 32) / 2 ** 32
  if (KindGuard.IsObject(schema)) {
    const chosen = Object.entries(schema.properties).filter(
      ([, member]) => !KindGuard.IsOptional(member) || random.below(2) === 0,
    )
    return Object.fromEntries(chosen.map(([name, member]) => [name, drawValue(member, random)]))
  }
  if (KindGuard.IsRecord(schema)) {
    const [[pattern, member] = []] = Object.entries(schema.patternProperties)
    if (pattern === undefined || member === undefined) throw new Error('a record without a pattern')
    const names = Array.from({ length: random.below(4) }, () => random.pick(fitting({ pattern })))
    return Object.fromEntries(names.map((name) => [name, drawValue(member, random)]))
  }
  if (KindGuard.IsArray(schema)) {
    const { minItems = 0, maxItems = 8, uniqueItems = false } = schema
    const length = minItems + random.below(Math.min(maxItems, minItems + 4) - minItems + 1)
    const items = Array.from({ length }, () => drawValue(schema.items, random))
    return uniqueItems ? [...new Set(items)] : items
  }
  if (KindGuard.IsUnion(schema)) return drawValue(random.pick(schema.anyOf), random)
  if (KindGuard.IsLiteral(schema)) return schema.const
  if (KindGuard.IsBoolean(schema)) return random.below(2) === 0
  if (KindGuard.IsInteger(schema) || KindGuard.IsNumber(schema)) {
    const { minimum = 0, maximum = 2 ** 50 } = schema
    const between = minimum + fraction() * (maximum - minimum)
    return random.pick([minimum, maximum, KindGuard.IsInteger(schema) ? Math.floor(between) : between])
  }
  if (KindGuard.IsString(schema)) return random.pick(fitting(schema))
  throw new Error(`no values for ${JSON.stringify(schema)}`)
}

const known = new Map<string, readonly string[]>()

/** Kept by its rules, since trying every text is what a draw would spend most of its time on. */
function fitting({
  minLength = 0,
  maxLength = Number.POSITIVE_INFINITY,
  pattern = '',
}: StringOptions): readonly string[] {
  const key = `${minLength} ${maxLength} ${pattern}`
  const before = known.get(key)
  if (before !== undefined) return before
  const rule = new RegExp(pattern)
  const found = texts.filter((text) => text.length >= minLength && text.length <= maxLength && rule.test(text))
  known.set(key, found)
  return found
}
