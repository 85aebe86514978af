// One page of a list, read by what the answer says of itself: whoever asks for URL encoding may be answered without it. A list that hides an
// object, or names another, makes an upload look lost or a leftover look absent: what cannot be relied on is an error.
import { childText, readXml, type XmlElement } from './xml.ts'

export interface ListPage {
  readonly objects: readonly { readonly key: string; readonly size: number; readonly etag: string }[]
  /** What is below the prefix and ends at the delimiter, with the delimiter. */
  readonly folders: readonly string[]
  /** Asks for the next page; undefined after the last. */
  readonly token: string | undefined
}

export interface ListQuery {
  readonly prefix: string
  readonly delimiter: '' | '/'
  /** '' for the first page. */
  readonly token: string
}

const keysAPage = 1000

/** URL encoding, since XML has no way to write every character of a key. */
export const listQuery = ({ prefix, delimiter, token }: ListQuery): Readonly<Record<string, string>> => ({
  'list-type': '2',
  'encoding-type': 'url',
  'max-keys': String(keysAPage),
  prefix,
  ...(delimiter === '' ? {} : { delimiter }),
  ...(token === '' ? {} : { 'continuation-token': token }),
})

/** Throws an Error that says what is wrong with the answer. */
export function readListPage(text: string, asked: ListQuery): ListPage {
  const root = readXml(text)
  if (root.name !== 'ListBucketResult') throw new Error(`it answers <${root.name}>`)
  const decode = decoderOf(childText(root, 'EncodingType') ?? '')
  const named = (element: XmlElement, field: string): string => {
    const name = decode(required(element, field))
    if (!name.startsWith(asked.prefix)) throw new Error(`it names ${JSON.stringify(name)}, which was not asked for`)
    return name
  }
  const all = (name: string) => root.children.filter((child) => child.name === name)
  const objects = all('Contents').map((element) => ({
    key: named(element, 'Key'),
    size: wholeNumber(required(element, 'Size')),
    etag: (childText(element, 'ETag') ?? '').replaceAll('"', ''),
  }))
  const folders = all('CommonPrefixes').map((element) => named(element, 'Prefix'))
  const isFolder = (name: string) => asked.delimiter !== '' && name.length > asked.prefix.length && name.endsWith('/')
  if (!folders.every(isFolder)) throw new Error('it names folders that are none')
  return { objects, folders, token: nextToken(root, asked.token) }
}

function decoderOf(encoding: string): (name: string) => string {
  if (encoding === '') return (name) => name
  // MinIO and AWS write a blank as '+', and '+' itself as '%2B'.
  if (encoding === 'url') return (name) => decodeURIComponent(name.replaceAll('+', ' '))
  throw new Error(`it is encoded as ${JSON.stringify(encoding)}`)
}

function required(element: XmlElement, field: string): string {
  const text = childText(element, field)
  if (text === undefined || text === '') throw new Error(`<${element.name}> has no <${field}>`)
  return text
}

function wholeNumber(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new Error(`${JSON.stringify(text)} is no size`)
  return number
}

function nextToken(root: XmlElement, asked: string): string | undefined {
  const isTruncated = childText(root, 'IsTruncated')
  if (isTruncated === 'false') return undefined
  if (isTruncated !== 'true') throw new Error('it does not say whether it goes on')
  const token = childText(root, 'NextContinuationToken') ?? ''
  if (token === '') throw new Error('it is cut short: there is more, and no way to ask for it')
  if (token === asked) throw new Error('it goes round in a circle')
  return token
}
