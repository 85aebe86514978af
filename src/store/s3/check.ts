// Whether a server is a store that bags can be kept in: all that keeping them relies on is done with objects of no worth, and looked at, so that a
// store that fails is named with what it fails before a class begins and not at its end.
import { randomBytes, randomUUID } from 'node:crypto'
import { digestOf } from '../content.ts'
import { reservedFolder } from '../key.ts'
import { StoreError } from '../port.ts'
import type { Bucket } from './bucket-calls.ts'
import { breakOff, checkDamaged, checkNames, checkRivals } from './check-promises.ts'
import {
  type CheckedStore,
  expectStatus,
  isAbsent,
  type Learned,
  listAll,
  once,
  permitted,
  readSome,
  removeAll,
  unfit,
} from './checked-store.ts'
import { wrongClock } from './errors.ts'
import { childText, readXml } from './xml.ts'

const noS3 = 'this is no S3 server, or not its address'

/**
 * Gives the store's `check`: whole until it has passed once, since that costs some forty requests; then three. A failure asks for the whole again.
 * Who calls while it runs gets its outcome.
 */
export function createCheck(store: CheckedStore): () => Promise<void> {
  let isProven = false
  let running: Promise<void> | undefined
  const run = async (): Promise<void> => {
    const check = isProven ? checkBriefly : checkWhole
    isProven = false
    const learned = await check(store)
    const difference = store.bucket.clockDifference()
    if (difference !== undefined) throw wrongClock(store.bucket.endpoint, difference)
    store.learn(learned)
    isProven = true
  }
  return async () => {
    running ??= run().finally(() => {
      running = undefined
    })
    await running
  }
}

/** One object written, read back and removed: what every call of a class needs. */
async function checkBriefly({ bucket, again, send }: CheckedStore): Promise<Learned> {
  const key = `${reservedFolder}/probe-${randomUUID()}`
  // Nobody can have kept these from an earlier check.
  const body = randomBytes(16)
  const content = digestOf(body)
  const put = await permitted('write objects (s3:PutObject)', () =>
    again(async () => expectStatus(bucket, key, 200, await send(key, content, once(body), false))),
  )
  const found = await permitted('read objects (s3:GetObject)', () => again(() => readSome(bucket, key)))
  const removed = await permitted('remove objects (s3:DeleteObject)', () =>
    again(async () => expectStatus(bucket, key, 204, await bucket.send('DELETE', key))),
  )
  if (found === undefined || !found.equals(body)) throw unfit(bucket, `${noS3}: what was written is not what is read`)
  if (put.keepsVersions || removed.keepsVersions) throw versioned(bucket)
  return { etagIsMd5: put.etag === content.md5 }
}

/** The rest, for a server that nothing is known of yet. */
async function checkWhole(store: CheckedStore): Promise<Learned> {
  const { bucket } = store
  await findBucket(store)
  await refuseVersions(store)
  const learned = await checkBriefly(store)
  const folder = `${reservedFolder}/probe-${randomUUID()}/`
  try {
    await breakOff(store, `${folder}cut`)
    await checkRivals(store, folder)
    await checkDamaged(store, `${folder}damaged`)
    await checkNames(store, `${folder}names/`)
    // Last: a server may need a moment to find out.
    if (!(await isAbsent(store, `${folder}cut`))) throw unfit(bucket, 'it stores an object whose upload was broken off')
    await removeAll(store, folder)
    if ((await listAll(store, folder)).length > 0) throw unfit(bucket, 'its list names objects that were removed')
  } finally {
    await removeAll(store, folder).catch(() => undefined)
  }
  return learned
}

/** Its first question to the server; an absent bucket is made by it. */
async function findBucket(store: CheckedStore): Promise<void> {
  try {
    await listAll(store, `${reservedFolder}/`)
  } catch (error) {
    const isOther = error instanceof StoreError && (error.code === 'not-found' || error.code === 'unfit')
    throw isOther ? unfit(store.bucket, noS3, error) : error
  }
}

/** Asked before anything is written, so that a check that is repeated leaves no versions. Who may not ask learns it from the answers. */
async function refuseVersions({ bucket, again }: CheckedStore): Promise<void> {
  const answer = await again(() => bucket.send('GET', '', { query: { versioning: '' } }))
  if (answer.status !== 200) return
  const status = versioningStatus(answer.text)
  if (status === undefined) throw unfit(bucket, noS3)
  if (status !== '') throw versioned(bucket)
}

/** '' where versions were never kept, undefined where the answer is not S3's. */
function versioningStatus(text: string): string | undefined {
  try {
    const root = readXml(text)
    return root.name === 'VersioningConfiguration' ? (childText(root, 'Status') ?? '') : undefined
  } catch {
    return undefined
  }
}

/**
 * Refused, since versions break two promises: on MinIO a removed `a` hides `a/b` from every list, so that a class that wrote both could never be
 * taken down; and the lease of a class, written every few seconds, would leave a version each time, for ever.
 */
const versioned = (bucket: Bucket): StoreError =>
  unfit(bucket, 'its bucket keeps, or kept, versions (versioning or object lock); a bucket that never did is needed')
