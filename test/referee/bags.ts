// What the bags of a store hold. They are read by the text of their format (RFC 8493, and docs/portal.md for what is our own)
// and by none of the service's code, so that the two cannot be wrong in the same way.

import { createHash } from 'node:crypto'
import type { StoreView } from './store.ts'
import type { Files } from './truth.ts'

export interface BagFault {
  readonly rule: 'no-bag' | 'file-missing' | 'file-differs' | 'not-in-manifest'
  readonly detail: string
}

/** A committed bag that was read whole. */
export interface Bag {
  /** What the student's files are, by the bytes in the store. */
  readonly files: Files
  /** Every key below data/ -> SHA-256: the files and the logs. */
  readonly payload: ReadonlyMap<string, string>
  readonly manifestSha256: string
}

const mark = 'bagit.txt'
const declaration = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'
const manifestKey = 'manifest-sha256.txt'
const tagManifestKey = 'tagmanifest-sha256.txt'
const infoKey = 'bag-info.txt'
const submissionKey = 'meta/submission.json'
const workspace = 'data/workspace/'

/** Prefixes of the committed bags (`final…` or `snapshot-…`) of `class/session/student/`, or of a session's students. */
export async function committedBags(store: StoreView, prefix: string): Promise<string[]> {
  return bagsAmong(await store.list(prefix), prefix)
}

/** Undefined where one committed bag of `class/session/student` holds all of these files; of the others nothing is read. */
export async function findBagFault(store: StoreView, student: string, files: Files): Promise<BagFault | undefined> {
  const prefix = `${student}/`
  const keys = await store.list(prefix)
  let fault: BagFault | undefined = {
    rule: 'no-bag',
    detail: `no ${mark} below ${prefix}, which has ${keys.size} keys`,
  }
  for (const bag of bagsAmong(keys, prefix)) {
    fault = await faultOf(assertHolds(store, bag, keys, files))
    if (fault === undefined) return undefined
  }
  return fault
}

/**
 * Reads every byte of the bag at `prefix`. Rejects unless it is committed, its two manifests name exactly what is there with
 * its digest, its sum is right, and meta/submission.json has a path for each object of the workspace.
 */
export async function readBag(store: StoreView, prefix: string): Promise<Bag> {
  const listed = await store.list(prefix)
  const { manifest, keyOf } = await openBag(store, prefix, listed)
  const tags = await readSums(store, prefix + tagManifestKey)
  const keys = [...listed].map((key) => key.slice(prefix.length))
  const isPayload = (key: string) => key.startsWith('data/')
  const octets = await assertSums(store, prefix, manifest, keys.filter(isPayload))
  const others = keys.filter((key) => !isPayload(key) && key !== tagManifestKey)
  await assertSums(store, prefix, tags, others)

  const sums = /^Payload-Oxum: (.*)$/m.exec(await readText(store, prefix + infoKey))
  if (sums?.[1] !== `${octets}.${manifest.size}`) throw new Broken('file-differs', `${prefix}${infoKey}: ${sums?.[0]}`)

  const named = new Set(keyOf.values())
  const unnamed = [...manifest.keys()].find((key) => key.startsWith(workspace) && !named.has(key))
  if (unnamed !== undefined) throw new Broken('file-missing', `${prefix}${submissionKey} does not name ${unnamed}`)
  const files = [...keyOf].map(([path, key]): [string, string] => [path, sumOf(manifest, prefix, path, key)])
  return { files: new Map(files), payload: manifest, manifestSha256: tags.get(manifestKey) ?? '' }
}

class Broken extends Error {
  readonly rule: BagFault['rule']

  constructor(rule: BagFault['rule'], detail: string) {
    super(detail)
    this.rule = rule
  }
}

const faultOf = (judged: Promise<void>): Promise<BagFault | undefined> =>
  judged.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof Broken) return { rule: error.rule, detail: error.message }
      throw error
    },
  )

const bagsAmong = (keys: ReadonlySet<string>, prefix: string): string[] =>
  [...keys]
    .filter((key) => /^(?:[^/]+\/)?(?:final|snapshot)[^/]*\/bagit\.txt$/.test(key.slice(prefix.length)))
    .map((key) => key.slice(0, -mark.length))
    .sort()

async function assertHolds(store: StoreView, bag: string, listed: ReadonlySet<string>, files: Files): Promise<void> {
  const { manifest, keyOf } = await openBag(store, bag, listed)
  for (const [path, sha256] of files) {
    const key = keyOf.get(path)
    if (key === undefined) throw new Broken('file-missing', `${nameOf(path)} is not in ${bag}${submissionKey}`)
    const promised = sumOf(manifest, bag, path, key)
    const held = (await digestOf(store, bag + key)).sha256
    if (held === sha256 && promised === sha256) continue
    const three = `the student's ${sha256}, the store's ${held}, the manifest's ${promised}`
    throw new Broken('file-differs', `${nameOf(path)}, ${bag}${key}: ${three}`)
  }
}

/** A bag by its mark, its manifest and its submission.json; all that the manifest names is listed. */
async function openBag(store: StoreView, bag: string, listed: ReadonlySet<string>) {
  for (const needed of [mark, manifestKey, submissionKey]) {
    if (!listed.has(bag + needed)) throw new Broken(needed === mark ? 'no-bag' : 'file-missing', bag + needed)
  }
  const text = await readText(store, bag + mark)
  if (text !== declaration) throw new Broken('no-bag', `${bag}${mark} holds ${JSON.stringify(text)}`)
  const manifest = await readSums(store, bag + manifestKey)
  const missing = [...manifest.keys()].find((key) => !listed.has(bag + key))
  if (missing !== undefined) throw new Broken('file-missing', `${bag}${missing} is in the manifest only`)
  return { manifest, keyOf: await readKeys(store, bag) }
}

/** Key below the bag -> SHA-256. */
async function readSums(store: StoreView, key: string): Promise<Map<string, string>> {
  const sums = new Map<string, string>()
  for (const line of (await readText(store, key)).split('\n').filter(Boolean)) {
    const [, sha256 = '', named = ''] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? []
    if (named === '' || sums.has(named)) throw new Broken('not-in-manifest', `${key}: ${JSON.stringify(line)}`)
    sums.set(named, sha256)
  }
  return sums
}

/** Where the bag says that each file lies: path in base64 -> key below the bag. */
async function readKeys(store: StoreView, bag: string): Promise<Map<string, string>> {
  const submission: { files: { path: string; pathBase64?: string; key: string }[] } = JSON.parse(
    await readText(store, bag + submissionKey),
  )
  const keyOf = new Map<string, string>()
  const keys = new Set<string>()
  for (const { path, pathBase64, key } of submission.files) {
    const raw = pathBase64 ?? Buffer.from(path).toString('base64')
    const isPlain = /^[A-Za-z0-9./-]{1,200}$/.test(path) && !/(^|\/)\.{0,2}(\/|$)/.test(path)
    const isElsewhere = !key.startsWith(workspace) || (isPlain && pathBase64 === undefined && key !== workspace + path)
    if (keyOf.has(raw) || keys.has(key) || isElsewhere)
      throw new Broken('file-missing', `${bag}${submissionKey} has ${nameOf(raw)} at ${key}, or twice`)
    keyOf.set(raw, key)
    keys.add(key)
  }
  return keyOf
}

/** The digest that a bag's manifest has for a file. */
function sumOf(manifest: ReadonlyMap<string, string>, bag: string, path: string, key: string): string {
  const sha256 = manifest.get(key)
  if (sha256 === undefined) throw new Broken('not-in-manifest', `${nameOf(path)}, ${bag}${key}`)
  return sha256
}

/** Both ways: these keys are there and no others, each with its digest. Resolves with their bytes. */
async function assertSums(
  store: StoreView,
  bag: string,
  sums: ReadonlyMap<string, string>,
  keys: readonly string[],
): Promise<number> {
  const there = new Set(keys)
  const extra = keys.find((key) => !sums.has(key))
  if (extra !== undefined) throw new Broken('not-in-manifest', bag + extra)
  let octets = 0
  for (const [key, promised] of sums) {
    if (!there.has(key)) throw new Broken('file-missing', `${bag}${key} is in a manifest only`)
    const { sha256, bytes } = await digestOf(store, bag + key)
    if (sha256 !== promised)
      throw new Broken('file-differs', `${bag}${key}: the store's ${sha256}, the manifest's ${promised}`)
    octets += bytes
  }
  return octets
}

const nameOf = (path: string): string => JSON.stringify(Buffer.from(path, 'base64').toString())

async function digestOf(store: StoreView, key: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of store.read(key)) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { sha256: hash.digest('hex'), bytes }
}

async function readText(store: StoreView, key: string): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of store.read(key)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
