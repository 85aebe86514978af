// What the S3 server at LIVE_S3 does where servers differ: `behaviour.ts` prints a row for each question, with its answer.
// The rows are the table of docs/proofs.md.

import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { objectsOf, textOf } from '../referee/listing.ts'
import { hostileNames } from '../src/store/conformance.ts'
import { s3Server } from '../support/live.ts'
import { type Answer, pathOf, type Sent, send, sendHalf } from './request.ts'

const server = s3Server()
const bucket = `behaviour-${randomUUID()}`
const mebibyte = 1024 ** 2
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes)
const put = (key: string, body: Uint8Array, headers: Sent['headers'] = {}) =>
  send(server, 'PUT', pathOf(bucket, key), { body, headers })
const get = (key: string) => send(server, 'GET', pathOf(bucket, key))
const remove = (key: string) => send(server, 'DELETE', pathOf(bucket, key))
const list = (query: Sent['query'] = {}) =>
  send(server, 'GET', pathOf(bucket), { query: { 'list-type': '2', 'encoding-type': 'url', ...query } })
const keysIn = ({ text }: Answer) => objectsOf(text).map(({ key }) => key)
const told = ({ status, text }: Answer): string => `${status} ${textOf(text, 'Code') ?? ''}`.trim()
const isThere = async (key: string): Promise<string> => ((await get(key)).status === 200 ? 'stored' : 'not stored')

const hello = Buffer.from('hello')

async function wrongMd5(): Promise<string> {
  const answer = await put('wrong-md5', hello, { 'content-md5': md5(Buffer.from('other')).digest('base64') })
  return `${told(answer)}, ${await isThere('wrong-md5')}`
}

async function ifAbsent(): Promise<string> {
  const once = { 'if-none-match': '*' }
  const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => put('once', Buffer.from(`${at}`), once)))
  const stored = answers.filter(({ status }) => status === 200).length
  return `of 8 at once ${stored} stored; later ${told(await put('once', hello, once))}`
}

async function etag(): Promise<string> {
  const { headers } = await put('etag', hello, { 'content-md5': md5(hello).digest('base64') })
  return headers.etag === `"${md5(hello).digest('hex')}"` ? 'MD5 of the content' : `not the MD5: ${headers.etag}`
}

async function oddKeys(): Promise<string> {
  const keys = [...new Set(hostileNames.map((name) => `odd/${name.toString()}`))]
  const shown = (key: string): string => JSON.stringify(key.slice(4, 20))
  const answers = new Map<string, Answer>()
  for (const key of keys) answers.set(key, await put(key, Buffer.from(key)))
  const stored = keys.filter((key) => answers.get(key)?.status === 200)
  const refused = [...answers].filter(([, { status }]) => status !== 200)
  const differing: string[] = []
  for (const key of stored) {
    if ((await get(key)).text !== key) differing.push(shown(key))
  }
  const listed = new Set(keysIn(await list({ prefix: 'odd/' })))
  const unlisted = stored.filter((key) => !listed.has(key)).map(shown)
  return (
    `unescaped, of ${keys.length}: refused ${refused.map(([key, answer]) => `${shown(key)} ${told(answer)}`).join(', ') || 'none'}; read back as another: ` +
    `${differing.join(', ') || 'none'}; not listed under their names: ${unlisted.join(', ') || 'none'}`
  )
}

async function listing(): Promise<string> {
  // By UTF-8 the first sorts before the second, by UTF-16 after it.
  const keys = ['order/B', 'order/a', 'order/a-', 'order/c/d', 'order/a b+', 'order/ế', 'order/\uFFFD', 'order/😀']
  for (const key of keys) await put(key, hello)
  const page = await list({ prefix: 'order/' })
  const found = keysIn(page)
  const byBytes = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const isByBytes = found.join('\n') === byBytes.join('\n')
  const blank = />order(?:\/|%2F)a([^/]+?)b([^<]*)</.exec(page.text)
  return (
    `${isByBytes ? 'by bytes' : `not by bytes: ${found.map((key) => key.slice(6)).join(' ')}`}; ` +
    `EncodingType "${textOf(page.text, 'EncodingType') ?? 'absent'}", a blank is "${blank?.[1]}", a plus "${blank?.[2]}"`
  )
}

async function fileAndFolder(): Promise<string> {
  await put('both/a', hello)
  const below = await put('both/a/b', hello)
  const found = keysIn(await list({ prefix: 'both/' }))
  return `the second: ${told(below)}; listed: ${found.map((key) => key.slice(5)).join(' ')}`
}

async function emptied(): Promise<string> {
  await put('emptied/a', hello)
  await remove('emptied/a')
  const page = await list({ delimiter: '/' })
  return page.text.includes('emptied') ? 'listed as a prefix still' : 'gone'
}

async function parts(): Promise<string> {
  const begin = async (key: string) =>
    textOf((await send(server, 'POST', pathOf(bucket, key), { query: { uploads: '' } })).text, 'UploadId') ?? ''
  const part = (key: string, uploadId: string, partNumber: number, body: Uint8Array, headers: Sent['headers'] = {}) =>
    send(server, 'PUT', pathOf(bucket, key), { query: { partNumber: `${partNumber}`, uploadId }, body, headers })
  const complete = (key: string, uploadId: string, etags: readonly string[]) => {
    const rows = etags.map((tag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${tag}</ETag></Part>`)
    const body = Buffer.from(`<CompleteMultipartUpload>${rows.join('')}</CompleteMultipartUpload>`)
    return send(server, 'POST', pathOf(bucket, key), { query: { uploadId }, body })
  }
  const upload = async (key: string, bodies: readonly Uint8Array[]) => {
    const uploadId = await begin(key)
    const etags: string[] = []
    for (const [at, body] of bodies.entries()) {
      etags.push(String((await part(key, uploadId, at + 1, body)).headers.etag))
    }
    return complete(key, uploadId, etags)
  }
  const large = randomBytes(5 * mebibyte)
  const whole = await upload('parts/whole', [large, hello])
  const tag = /-2"?$/.test((await get('parts/whole')).headers.etag ?? '') ? 'MD5 of MD5s with -2' : 'another ETag'
  const small = await upload('parts/small', [hello, hello])
  const aborted = await begin('parts/aborted')
  await part('parts/aborted', aborted, 1, large)
  await send(server, 'DELETE', pathOf(bucket, 'parts/aborted'), { query: { uploadId: aborted } })
  const wrong = await begin('parts/wrong')
  const refused = await part('parts/wrong', wrong, 1, hello, {
    'content-md5': md5(Buffer.from('other')).digest('base64'),
  })
  const left = textOf((await send(server, 'GET', pathOf(bucket), { query: { uploads: '' } })).text, 'UploadId')
  return (
    `5 MiB and 5 bytes: ${told(whole)}, ${tag}; 5 and 5 bytes: ${told(small)}; a part with a wrong MD5: ${told(refused)}; ` +
    `aborted: ${left === aborted ? 'still listed' : 'gone'}, ${await isThere('parts/aborted')}`
  )
}

async function brokenOff(): Promise<string> {
  const body = randomBytes(8 * mebibyte)
  const given = { 'content-md5': md5(body).digest('base64') }
  const found: string[] = []
  for (const [key, headers] of Object.entries({ 'with Content-MD5': given, 'without it': {} })) {
    await sendHalf(server, pathOf(bucket, key), { body, headers })
    const seen = new Set<string>()
    for (let asked = 0; asked < 40; asked += 1) {
      const { status, headers } = await send(server, 'HEAD', pathOf(bucket, key))
      seen.add(status === 404 ? 'nothing' : `${headers['content-length']} bytes`)
    }
    found.push(`${key}: ${[...seen].join(', then ')}`)
  }
  return `of ${body.length} bytes, ${found.join('; ')}`
}

async function noBucket(): Promise<string> {
  const absent = `absent-${randomUUID()}`
  return told(await send(server, 'PUT', pathOf(absent, 'a'), { body: hello }))
}

async function wrongKeys(): Promise<string> {
  const body = randomBytes(8 * mebibyte)
  const wrong = { ...server, secretKey: 'not-the-secret' }
  const answer = send(wrong, 'PUT', pathOf(bucket, 'denied'), { body })
  return answer.then(told, (error: Error) => `no answer, the connection ends: ${error.message}`)
}

const questions: Readonly<Record<string, () => Promise<string>>> = {
  'PUT with another Content-MD5': wrongMd5,
  'PUT with If-None-Match: *': ifAbsent,
  'ETag of a PUT': etag,
  'odd keys': oddKeys,
  'order and encoding of a listing': listing,
  'an object `a`, then `a/b`': fileAndFolder,
  'a folder whose last object is removed': emptied,
  'upload in parts': parts,
  'PUT that breaks off in its middle': brokenOff,
  'PUT into a bucket that is not there': noBucket,
  'PUT of 8 MiB with a wrong secret': wrongKeys,
}

await send(server, 'PUT', pathOf(bucket))
for (const [question, ask] of Object.entries(questions)) {
  const answer = await ask().catch((error: Error) => `the question failed: ${error.message}`)
  console.log(`| ${question} | ${answer} |`)
}
