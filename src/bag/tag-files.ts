// The files of a bag that describe its payload (BagIt 1.0, RFC 8493). They are generated each time they are read, so that none
// is ever whole in memory.

import { giveWay } from '../give-way.ts'
import { digestAll, digestOf } from '../store/content.ts'
import type { Content } from '../store/port.ts'
import type { BagContents } from './contents.ts'

export interface TagFile {
  readonly key: string
  readonly content: Content
  stream(): AsyncIterable<Uint8Array>
}

export const bagDeclarationKey = 'bagit.txt'
export const manifestKey = 'manifest-sha256.txt'
export const bagInfoKey = 'bag-info.txt'
export const tagManifestKey = 'tagmanifest-sha256.txt'
export const submissionKey = 'meta/submission.json'

/** What the tag manifest of a bag must name. */
export const requiredTagFiles = [bagDeclarationKey, bagInfoKey, manifestKey, submissionKey]

/** Our own labels in bag-info.txt that are read back: of the workspace alone, logs not counted. */
export const bagInfoLabel = {
  files: 'Class-Runtime-Files',
  bytes: 'Class-Runtime-Bytes',
  skipped: 'Class-Runtime-Skipped',
  manifestSha256: 'Class-Runtime-Manifest-SHA256',
  collectedAt: 'Class-Runtime-Collected-At',
} as const

/** The commit mark: its bytes are the same in every bag. */
export const bagDeclaration = Buffer.from('BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n')

type Payload = readonly { readonly key: string; readonly content: Content }[]

/** One line a payload file. Keys hold no CR, LF or '%' (object-key.ts), so that none needs BagIt's escaping. */
export function manifest(contents: BagContents, logs: Payload): Promise<TagFile> {
  return tagFile(manifestKey, async function* () {
    for await (const { key, record } of contents.stored()) yield `${record.content.sha256}  ${key}\n`
    for (const { key, content } of logs) yield `${content.sha256}  ${key}\n`
  })
}

export function bagInfo(labels: readonly (readonly [string, string])[]): Promise<TagFile> {
  return tagFile(bagInfoKey, async function* () {
    for (const [name, value] of labels) yield `${name}: ${value.replace(/[\r\n]+/g, ' ')}\n`
  })
}

export function tagManifest(others: readonly TagFile[]): Promise<TagFile> {
  return tagFile(tagManifestKey, async function* () {
    yield `${digestOf(bagDeclaration).sha256}  ${bagDeclarationKey}\n`
    for (const { key, content } of others) yield `${content.sha256}  ${key}\n`
  })
}

/** `generate` is called for each reading, and gives the same each time. */
export async function tagFile(key: string, generate: () => AsyncIterable<string>): Promise<TagFile> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for await (const text of generate()) {
      yield Buffer.from(text)
      await giveWay()
    }
  }
  return { key, stream, content: await digestAll(stream()) }
}
