// Requests that nobody meant: for each call of the document, made by chance from what is right for it and from what breaks
// parsers. The same seed makes the same requests.

import type { Call } from './contract-calls.ts'
import { goodRequest } from './contract-calls.ts'
import type { Random } from './random.ts'

export interface RandomRequest {
  readonly method: (typeof methods)[number]
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload?: string | Buffer
}

/** Values that were parameters, keys or texts in somebody's attack. */
const texts = [
  '',
  ' ',
  '\0',
  'os101-a\0',
  'os101-a\n',
  'OS101-A',
  'ｏｓ101-ａ',
  'SV001\u200b',
  '\u202eSV001',
  '\ud800',
  '\udfff\ud800',
  'e\u0301',
  '\u00e9',
  '\ufeffos101-a',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '..',
  '../../etc/passwd',
  '..\\..\\windows',
  '/var/run/docker.sock',
  'a--b',
  '-a',
  'a-',
  'busybox:latest',
  'http://169.254.169.254/',
  '$(reboot)',
  '`id`',
  "'; drop table students; --",
  '{"$ne":null}',
  '$'.concat('{jndi:ldap://x}'),
  '%s%s%n',
  'NaN',
  'null',
  '1e999',
  'x'.repeat(31),
  'x'.repeat(5_000),
  'A'.repeat(60_000),
]

/** Parts of a path as they stand in the URL. */
const segments = [
  '%2e%2e',
  '%2e%2e%2f%2e%2e%2fsecret',
  '%252e%252e%252f',
  '..%5c..%5c',
  '%00',
  'os101-a%00',
  '%0d%0aset-cookie:%20x',
  '%ff%fe',
  '%c0%ae%c0%ae',
  '%zz',
  '%',
  '%e2%80%ae',
  '.',
  '..',
  ';a=b',
  '*',
  ':classId',
  '__proto__',
  'x'.repeat(300),
  'x'.repeat(3_000),
]

const fields = [
  'classId',
  'students',
  'lab',
  'ttlMinutes',
  'allowPartial',
  'studentId',
  'reason',
  'restore',
  'sessionId',
]
const foreignFields = [
  'image',
  'HostConfig',
  'Privileged',
  'Binds',
  'cmd',
  'env',
  'user',
  '__proto__',
  'constructor',
  'toString',
]
const numbers = ['0', '-0', '-1', '1.5', '1e999', '9007199254740993', '525601', '1', '30', '720', 'NaN', '0x10', '01']
const contentTypes = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=utf-16',
  'application/json;charset=nonsense',
  'APPLICATION/JSON',
  'application/json, text/html',
  'application/jsonp',
  'application/merge-patch+json',
  'application/problem+json',
  'text/plain',
  'text/html',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
  'application/xml',
  '',
  ';',
  '/',
  'x'.repeat(2_000),
]
const prefers = [
  'respond-async',
  'wait=0',
  'wait=0, respond-async',
  'wait=-1',
  'wait=1e9',
  'wait="0"',
  'WAIT=0;foo=bar',
  'return=minimal',
  ',,,;;;===',
  'wait=0'.repeat(500),
  '"',
]
const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'MKCOL',
  'SEARCH',
] as const

export function randomRequest(random: Random, call: Call, operationIds: readonly string[]): RandomRequest {
  const oneIn = (times: number): boolean => random.below(times) === 0
  const method = oneIn(10) ? random.pick(methods) : call.method
  const hasBody = method !== 'GET' && method !== 'HEAD' && !oneIn(12)
  const headers: Record<string, string> = {}
  if (hasBody || oneIn(10)) headers['content-type'] = oneIn(4) ? random.pick(contentTypes) : 'application/json'
  if (oneIn(2)) headers['prefer'] = random.pick(prefers)
  if (oneIn(20)) headers['authorization'] = `Bearer ${random.pick(['', 'x', 'a.b.c', 'A'.repeat(4_000)])}`
  if (oneIn(30)) headers['accept'] = random.pick(['text/html', '*/*;q=nonsense', 'application/xml', ''])
  if (oneIn(30))
    headers[random.pick(['x-forwarded-for', 'x-http-method-override', 'x-original-url', 'host'])] = 'DELETE'
  if (oneIn(30)) headers['content-encoding'] = random.pick(['gzip', 'br', 'nonsense'])
  if (oneIn(40)) headers['expect'] = '100-continue'
  if (oneIn(40)) headers['if-none-match'] = '*'
  if (oneIn(40)) headers['range'] = 'bytes=0-0,-1'
  return {
    method,
    url: randomUrl(random, call, operationIds),
    headers,
    ...(hasBody ? { payload: body(random, call) } : {}),
  }
}

function randomUrl(random: Random, call: Call, operationIds: readonly string[]): string {
  const { params = {} } = goodRequest(call.name, undefined, operationIds.at(-1))
  const path = call.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (name === 'operationId' && operationIds.length > 0 && random.below(3) === 0) return random.pick(operationIds)
    if (random.below(3) > 0) return encodeURIComponent(params[name] ?? 'x')
    return random.below(2) === 0 ? random.pick(segments) : encodeURIComponent(wellFormed(random.pick(texts)))
  })
  const [before, after] = random.pick([
    ['', ''],
    ['', ''],
    ['', ''],
    ['', ''],
    ['', '/'],
    ['/', ''],
    ['', `?${encodeURIComponent(wellFormed(random.pick(texts)))}=1&__proto__[x]=1`],
    ['', `/${random.pick(segments)}`],
    ['', '#x'],
    ['/room/..', ''],
  ] as const)
  return before + path + after
}

/** Half a surrogate pair cannot be written in a URL. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

function body(random: Random, call: Call): string | Buffer {
  const good = goodRequest(call.name).body ?? { classId: 'os101-a' }
  switch (random.below(12)) {
    case 0:
      return JSON.stringify(good)
    case 1:
    case 2:
    case 3:
    case 4:
      return object(
        random,
        Object.entries(good).map(([name, member]) => [name, JSON.stringify(member)]),
      )
    case 5:
    case 6:
      return object(random, [])
    case 7:
      return value(random, 0)
    case 8: {
      const depth = random.pick([10, 1_000, 20_000])
      const [open, close] = random.pick([
        ['[', ']'],
        ['{"a":', '}'],
        ['{"classId":', '}'],
      ] as const)
      return open.repeat(depth) + random.pick(['', `1${close.repeat(depth)}`])
    }
    case 9: {
      const bytes = Buffer.from(JSON.stringify(good))
      bytes[random.below(bytes.length)] = random.below(256)
      return bytes
    }
    case 10:
      return JSON.stringify(good).slice(0, random.below(12)) + random.pick(texts)
    default:
      // Rarely over the limit: it is a megabyte each time.
      return `{"classId":"${'x'.repeat(random.below(20) === 0 ? 1_100_000 : 20_000)}"}`
  }
}

/** An object in text, so that names can stand twice and numbers can be what JSON has no word for. */
function object(random: Random, members: readonly (readonly [string, string])[]): string {
  const more = Array.from({ length: random.below(3) }, () => {
    const names = random.below(3) === 0 ? foreignFields : fields
    return [random.pick(names), value(random, 0)] as const
  })
  return `{${[...members, ...more].map(([name, member]) => `"${name}":${member}`).join(',')}}`
}

function value(random: Random, depth: number): string {
  switch (random.below(depth > 3 ? 6 : 9)) {
    case 0:
      return random.pick(numbers)
    case 1:
      return random.pick(['true', 'false', 'null', 'undefined', '""', '[]', '{}'])
    case 2:
      return random.pick([
        '"os101-a"',
        '"SV001"',
        '"linux-shell"',
        '"other"',
        '["SV001"]',
        '["SV001","SV002"]',
        '["sv003"]',
      ])
    case 3:
    case 4:
    case 5:
      return JSON.stringify(random.pick(texts))
    case 6:
      return `[${Array.from({ length: random.below(4) }, () => value(random, depth + 1)).join(',')}]`
    case 7:
      return `["${Array.from({ length: random.below(1_200) }, (_, index) => `s${index}`).join('","')}"]`
    default:
      return object(random, [])
  }
}
