// Whether a student's files are safe: in one committed bag of the store, each with the bytes that the student has.

import { createHash } from 'node:crypto'
import type { StoreView } from './store.ts'
import type { Files } from './truth.ts'

export type BagFault = {
  readonly rule: 'no-bag' | 'file-missing' | 'file-differs' | 'not-in-manifest'
  readonly detail: string
}

const declaration = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n'

/** Undefined where a committed bag (`final…` or `snapshot-…`) of `class/session/student` holds all of these files. */
export async function findBagFault(store: StoreView, student: string, files: Files): Promise<BagFault | undefined> {
  const keys = await store.list(`${student}/`)
  const marks = [...keys].filter((key) => /^(final|snapshot)[^/]*\/bagit\.txt$/.test(key.slice(student.length + 1)))
  let fault: BagFault | undefined = {
    rule: 'no-bag',
    detail: `no bagit.txt below ${student}/, which has ${keys.size} keys`,
  }
  for (const mark of marks.sort()) {
    fault = await findFaultOf(store, mark.slice(0, -'bagit.txt'.length), keys, files)
    if (fault === undefined) return undefined
  }
  return fault
}

async function findFaultOf(
  store: StoreView,
  bag: string,
  keys: ReadonlySet<string>,
  files: Files,
): Promise<BagFault | undefined> {
  const mark = (await store.read(`${bag}bagit.txt`)).toString()
  if (mark !== declaration) return { rule: 'no-bag', detail: `${bag}bagit.txt holds ${JSON.stringify(mark)}` }
  for (const needed of ['manifest-sha256.txt', 'meta/submission.json']) {
    if (!keys.has(bag + needed)) return { rule: 'file-missing', detail: `${bag}${needed}` }
  }
  const manifest = await readManifest(store, bag)
  const missing = [...manifest.keys()].find((key) => !keys.has(bag + key))
  if (missing !== undefined) return { rule: 'file-missing', detail: `${bag}${missing} is in the manifest only` }
  const keyOf = await readKeys(store, bag)
  for (const [path, sha256] of files) {
    const key = keyOf.get(path)
    const name = JSON.stringify(Buffer.from(path, 'base64').toString())
    if (key === undefined) return { rule: 'file-missing', detail: `${name} is not in ${bag}meta/submission.json` }
    if (!manifest.has(key)) return { rule: 'not-in-manifest', detail: `${name}, ${bag}${key}` }
    const held = createHash('sha256')
      .update(await store.read(bag + key))
      .digest('hex')
    if (held !== sha256 || manifest.get(key) !== sha256) {
      const detail = `${name}, ${bag}${key}: the student's ${sha256}, the store's ${held}, the manifest's ${manifest.get(key)}`
      return { rule: 'file-differs', detail }
    }
  }
  return undefined
}

/** Keys below the bag -> SHA-256. */
async function readManifest(store: StoreView, bag: string): Promise<Map<string, string>> {
  const text = (await store.read(`${bag}manifest-sha256.txt`)).toString()
  const lines = text.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)
  return new Map([...lines].map(([, sha256 = '', key = '']) => [key, sha256]))
}

/** Where the bag says that each file lies: path in base64 -> key below the bag. */
async function readKeys(store: StoreView, bag: string): Promise<Map<string, string>> {
  const submission: { files: { path: string; pathBase64?: string; key: string }[] } = JSON.parse(
    (await store.read(`${bag}meta/submission.json`)).toString(),
  )
  return new Map(
    submission.files.map(({ path, pathBase64, key }) => [pathBase64 ?? Buffer.from(path).toString('base64'), key]),
  )
}
