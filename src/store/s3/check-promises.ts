// What keeping bags relies on, tried on a server: one winner of many, nothing damaged, every name as it was given.
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { digestOf } from '../content.ts'
import { StoreError } from '../port.ts'
import { type CheckedStore, expectStatus, isAbsent, listAll, once, readSome, unfit } from './checked-store.ts'

const rivals = 8

/** Keys as students' files have them: what a list must give back as it was stored. The third has 200 bytes. */
const oddNames = [
  '=3D=~',
  `+plus+ a  b "double" 'single' &amp; <tag> #?;,:|*~!()[]{}^$@`,
  'ế'.repeat(66).concat('é'),
  'Bài tập số 1/nộp bài.txt',
  'folder/%41%2F.txt',
]

/** The lease of a class and the mark of a commit go to who was first: of many at once, one. */
export async function checkRivals({ bucket, again, send }: CheckedStore, folder: string): Promise<void> {
  await again(async () => {
    const key = `${folder}${randomUUID()}`
    const bodies = Array.from({ length: rivals }, (_, at) => Buffer.from(`${at}`))
    const answers = await Promise.all(bodies.map((body) => send(key, digestOf(body), once(body), true)))
    const stored = bodies.filter((_, at) => answers[at]?.status === 200)
    // Some servers let nobody win such a race.
    if (stored.length === 0 && answers.some(({ status }) => status === 409))
      throw new StoreError('unreachable', `${bucket.location}: of ${rivals} conditional writes none was stored`)
    const refusals = answers.filter(({ status }) => status !== 200 && status !== 409 && status !== 412)
    const [refusal] = refusals.map((answer) => bucket.refusal(key, answer)).filter(({ code }) => code !== 'refused')
    if (refusal !== undefined) throw refusal
    const [winner, another] = stored
    if (winner === undefined || another !== undefined || refusals.length > 0)
      throw unfit(bucket, `of ${rivals} that write one new object at once (If-None-Match: *) not exactly one succeeds`)
    if ((await readSome(bucket, key))?.equals(winner) !== true)
      throw unfit(bucket, 'of several that write one new object at once the wrong one is kept')
  })
}

/** What arrives damaged is not stored. */
export async function checkDamaged(store: CheckedStore, key: string): Promise<void> {
  const body = randomBytes(1024)
  const lie = { ...digestOf(body), md5: createHash('md5').update('other bytes').digest('hex') }
  // Once: some servers say 500, which would be asked again.
  await ignoringRefusal(() => store.send(key, lie, once(body), false))
  if (!(await isAbsent(store, key)))
    throw unfit(store.bucket, 'it stores an object whose bytes are not those of its Content-MD5')
}

/** Sends the beginning of an object, long enough that some of it arrives. */
export async function breakOff(store: CheckedStore, key: string): Promise<void> {
  const chunk = randomBytes(64 * 1024)
  const size = 80 * chunk.length
  async function* beginning() {
    for (let sent = 0; sent < size / 2; sent += chunk.length) yield chunk
    throw brokenOff
  }
  await ignoringRefusal(() => store.send(key, { ...digestOf(chunk), size }, beginning(), false))
}

export async function checkNames(store: CheckedStore, names: string): Promise<void> {
  const { bucket, again, send } = store
  const body = Buffer.from('x')
  const keys = oddNames.map((name) => names + name)
  const put = async (key: string) => expectStatus(bucket, key, 200, await send(key, digestOf(body), once(body), false))
  await Promise.all(keys.map((key) => again(() => put(key))))
  const listed = await listAll(store, names)
  const differing = keys.find((key) => !listed.includes(key)) ?? listed.find((key) => !keys.includes(key))
  if (differing !== undefined)
    throw unfit(bucket, `its list does not name ${JSON.stringify(differing.slice(names.length))} as it was stored`)
  for (const key of keys) {
    if ((await again(() => readSome(bucket, key)))?.equals(body) !== true)
      throw unfit(bucket, `it does not give back ${JSON.stringify(key.slice(names.length))}`)
  }
}

async function ignoringRefusal(send: () => Promise<unknown>): Promise<void> {
  try {
    await send()
  } catch (error) {
    if (!(error instanceof StoreError) && error !== brokenOff) throw error
  }
}

const brokenOff = new Error('broken off by the check')
