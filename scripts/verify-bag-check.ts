// What is wrong with one bag, by what its store gives out now: every object is read, and nothing the service once said is believed.
// Memory holds a bag's names and tag files, never the content of its files. The bytes of the tag files are parsed here
// anew and not by src/bag, so that the two cannot be wrong in the same way.

import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { collectionIdPattern, sessionIdPattern } from '../src/names.ts'
import { type Store, StoreError } from '../src/store/port.ts'
import { checkSubmission, ownerOf, parseSubmission, type Submission } from './verify-bag-submission.ts'

export interface CheckedBag {
  /** Of the workspace, as the store lists it; logs are not counted. */
  readonly files: number
  readonly bytes: number
  /** Undefined where there is no manifest to be read. */
  readonly manifestSha256: string | undefined
  /** Whose bag it says it is. */
  readonly owner: string
  /** Empty: the bag is valid. */
  readonly faults: readonly string[]
}

const declaration = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'
const declarationKey = 'bagit.txt'
const infoKey = 'bag-info.txt'
const manifestKey = 'manifest-sha256.txt'
const tagManifestKey = 'tagmanifest-sha256.txt'
const submissionKey = 'meta/submission.json'

/** Far above that of a million files; more could not be parsed. */
const largestTagFile = 256 * 1024 * 1024
/** Of each bag; each holds one chunk of the store's. */
const readsAtOnce = 8

const quoted = (key: string): string => JSON.stringify(key)

/** One bag while it is being checked. */
interface Checking {
  readonly store: Store
  readonly prefix: string
  /** What is stored below the prefix: key there -> bytes. */
  readonly sizes: Map<string, number>
  readonly faults: string[]
}

/** Reads the bag at `prefix` (which ends in '/', or is '' for the whole store). Rejects with StoreError where the store cannot be read. */
export async function checkBag(store: Store, prefix: string): Promise<CheckedBag> {
  const bag: Checking = { store, prefix, sizes: new Map(), faults: [] }
  const { sizes, faults } = bag
  await list(bag)
  if (((await readTag(bag, declarationKey))?.text ?? declaration) !== declaration)
    faults.push(`${declarationKey} is not the declaration of a BagIt 1.0 bag in UTF-8`)

  const manifest = await readTag(bag, manifestKey)
  const payload = manifest && parseManifest(manifestKey, manifest.text, faults)
  const tagManifest = await readTag(bag, tagManifestKey)
  const tags = tagManifest && parseManifest(tagManifestKey, tagManifest.text, faults)
  if (payload) await comparePart(bag, manifestKey, payload, (key) => key.startsWith('data/'))
  if (tags) {
    await comparePart(bag, tagManifestKey, tags, (key) => !key.startsWith('data/') && key !== tagManifestKey)
    for (const key of [declarationKey, infoKey, manifestKey, submissionKey])
      if (!tags.has(key)) faults.push(`${tagManifestKey} does not name ${key}`)
  }

  const text = (await readTag(bag, submissionKey))?.text
  const submission = text === undefined ? undefined : parseSubmission(text, faults)
  if (submission && manifest && payload) checkSubmission(submission, payload, sizes, manifest.sha256, faults)
  const workspace = [...sizes].filter(([key]) => key.startsWith('data/workspace/'))
  const bytes = workspace.reduce((sum, [, size]) => sum + size, 0)
  const counted = { files: workspace.length, bytes, manifestSha256: manifest?.sha256 }
  const info = await readTag(bag, infoKey)
  if (info) checkInfo(bag, info.text, counted, submission)
  return { ...counted, owner: submission ? ownerOf(submission) : 'nobody whom it names', faults }
}

/** Both ways: everything that a manifest names is there with its digest, and everything of its part is named. */
async function comparePart(
  bag: Checking,
  name: string,
  sums: ReadonlyMap<string, string>,
  isOfPart: (key: string) => boolean,
): Promise<void> {
  const { sizes, faults } = bag
  for (const key of sizes.keys())
    if (isOfPart(key) && !sums.has(key)) faults.push(`${quoted(key)} is extra: ${name} does not name it`)
  const waiting = sums.entries()
  const worker = async () => {
    for (const [key, sha256] of waiting) {
      const size = sizes.get(key)
      if (!isOfPart(key)) faults.push(`${name} must not name ${quoted(key)}`)
      else if (size === undefined) faults.push(`${quoted(key)} is missing: ${name} names it`)
      else faults.push(...(await contentFaults(bag, key, size, sha256)).map((fault) => `${quoted(key)} ${fault}`))
    }
  }
  await Promise.all(Array.from({ length: readsAtOnce }, worker))
}

async function list({ store, prefix, sizes, faults }: Checking): Promise<void> {
  for await (const object of store.list(prefix)) {
    const key = object.key.slice(prefix.length)
    if (sizes.has(key)) faults.push(`${quoted(key)} is listed twice`)
    sizes.set(key, object.size)
  }
  if (store.kind !== 'directory') return
  // A store's list names files alone: on disk there may be more.
  const folder = join(store.location, prefix)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const key = relative(folder, join(entry.parentPath, entry.name))
    if (!entry.isDirectory() && !sizes.has(key)) faults.push(`${quoted(key)} is no plain file with a name in UTF-8`)
  }
}

async function readTag({ store, prefix, sizes, faults }: Checking, key: string) {
  const size = sizes.get(key)
  if (size === undefined || size > largestTagFile) {
    faults.push(`${key} is ${size === undefined ? 'missing' : `too large: ${size} bytes`}`)
    return undefined
  }
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of await store.read(prefix + key)) chunks.push(chunk)
  } catch (error) {
    faults.push(`${key} ${unreadable(error)}`)
    return undefined
  }
  const bytes = Buffer.concat(chunks)
  if (!isUtf8(bytes)) faults.push(`${key} is not UTF-8`)
  return { text: bytes.toString(), sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** A fault of this one object; any other is the store's, and says nothing of the bag. */
function unreadable(error: unknown): string {
  if (error instanceof StoreError && (error.code === 'not-found' || error.code === 'refused'))
    return `cannot be read: ${error.message}`
  throw error
}

/** Key -> SHA-256. What the service writes never needs the escapes of RFC 8493, so '%' is a fault as any other. */
function parseManifest(name: string, text: string, faults: string[]): Map<string, string> {
  const sums = new Map<string, string>()
  if (text !== '' && !text.endsWith('\n')) faults.push(`${name} is cut: its last line has no end`)
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, sha256, key] = /^([0-9a-f]{64}) {2}([^%\r]+)$/.exec(line) ?? []
    const isPlain = key?.split('/').every((segment) => segment !== '' && segment !== '.' && segment !== '..')
    if (sha256 === undefined || key === undefined || isPlain !== true)
      faults.push(`${name}: no line of it: ${quoted(line)}`)
    else if (sums.has(key)) faults.push(`${name} names ${quoted(key)} twice`)
    else sums.set(key, sha256)
  }
  return sums
}

async function contentFaults(
  { store, prefix }: Checking,
  key: string,
  size: number,
  sha256: string,
): Promise<string[]> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of await store.read(prefix + key)) {
      hash.update(chunk)
      bytes += chunk.length
    }
  } catch (error) {
    return [unreadable(error)]
  }
  const found = hash.digest('hex')
  return [
    ...(bytes === size ? [] : [`has ${bytes} bytes when read, and ${size} when listed`]),
    ...(found === sha256 ? [] : [`has the SHA-256 ${found}, not ${sha256}`]),
  ]
}

function checkInfo(
  { store, prefix, sizes, faults }: Checking,
  text: string,
  { files, bytes, manifestSha256 }: Omit<CheckedBag, 'owner' | 'faults'>,
  submission: Submission | undefined,
): void {
  const labels = new Map<string, string>()
  for (const line of text.split('\n').filter(Boolean)) {
    const [, label, value] = /^([A-Za-z0-9-]+): (.*)$/.exec(line) ?? []
    if (label === undefined || value === undefined) faults.push(`${infoKey}: no label: ${quoted(line)}`)
    else if (labels.has(label)) faults.push(`${infoKey} has ${label} twice`)
    else labels.set(label, value)
  }
  const expect = (label: string, value: string | number | undefined) => {
    const said = labels.get(label)
    if (value !== undefined && said !== String(value))
      faults.push(`${infoKey}: ${label} is ${said === undefined ? 'missing' : quoted(said)}, not ${quoted(`${value}`)}`)
  }
  const stored = [...sizes].filter(([key]) => key.startsWith('data/'))
  expect('Payload-Oxum', `${stored.reduce((sum, [, size]) => sum + size, 0)}.${stored.length}`)
  expect('Class-Runtime-Files', files)
  expect('Class-Runtime-Bytes', bytes)
  expect('Class-Runtime-Manifest-SHA256', manifestSha256)
  expect('Class-Runtime-Skipped', submission?.skipped.length)
  expect('Class-Runtime-Class', submission?.classId)
  expect('Class-Runtime-Session', submission?.sessionId)
  expect('Class-Runtime-Student', submission?.studentId)
  expect('Class-Runtime-Collection', submission?.collectionId)
  expect('Class-Runtime-Lab', submission?.lab)
  const identity = submission && [
    submission.classId,
    submission.sessionId,
    submission.studentId,
    submission.collectionId,
  ]
  expect('External-Identifier', identity?.join('/'))
  // A bag that lies where the service puts bags must be the one of that place; a downloaded one may lie anywhere.
  const place = `${store.location}/${prefix}`.split('/').filter(Boolean).slice(-4)
  const isPlace =
    new RegExp(sessionIdPattern).test(place[1] ?? '') && new RegExp(collectionIdPattern).test(place[3] ?? '')
  if (isPlace) expect('External-Identifier', place.join('/'))
}
