// Whether the store still holds a bag that was committed.

import { createHash } from 'node:crypto'
import { sha256Of } from '../store/content.ts'
import { readText, type Store, StoreError } from '../store/port.ts'
import { BagError } from './errors.ts'
import { linesOf } from './lines.ts'
import { manifestKey, requiredTagFiles, tagManifestKey } from './tag-files.ts'

/** Whether every tag file of a committed bag is there and is what its tag manifest says: without them it is no valid bag. */
export async function tagFilesIntact(store: Store, prefix: string, signal: AbortSignal): Promise<boolean> {
  try {
    const lines = (await readText(store, prefix + tagManifestKey, signal)).trim().split('\n')
    const digests = new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]))
    if (!requiredTagFiles.every((key) => digests.has(key))) return false
    for (const [key, sha256] of digests) {
      if ((await sha256Of(await store.read(prefix + key, signal))) !== sha256) return false
    }
    return true
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return false
    throw error
  }
}

/**
 * Looks again at a bag that was committed, before its sandbox goes and after: by one listing and its manifest, no payload is
 * read. Rejects with BagError where something is missing or `manifestSha256` is no longer that of the
 * manifest, with StoreError where the store does not let itself be looked at.
 */
export async function confirmBag(
  store: Store,
  prefix: string,
  manifestSha256: string,
  signal: AbortSignal,
): Promise<void> {
  const found = new Set<string>()
  for await (const { key } of store.list(prefix, signal)) found.add(key.slice(prefix.length))
  const missing = [...requiredTagFiles, tagManifestKey].filter((key) => !found.has(key))
  if (found.has(manifestKey)) {
    const hash = createHash('sha256')
    for await (const line of linesOf(hashed(await store.read(prefix + manifestKey, signal), hash))) {
      const key = line.slice(66)
      if (!found.has(key) && missing.length === 0) missing.push(key)
    }
    if (hash.digest('hex') !== manifestSha256) throw noLongerHeld(`${manifestKey} is not the one that was committed`)
  }
  if (missing[0] !== undefined) throw noLongerHeld(`${missing[0]} is missing`)
}

const noLongerHeld = (what: string) =>
  new BagError(
    `The bag was committed and verified, but the store no longer holds it: ${what}. Ask the operator to look at the store.`,
  )

/** The same bytes, which `hash` has all seen when they end. */
async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: { update(bytes: Uint8Array): unknown }) {
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
}
